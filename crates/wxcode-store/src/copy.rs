//! Copies a store into another, in repeatable pieces, and compares the two.
//!
//! Projects with few records are added many at once; the records of other projects, and of those
//! of an earlier copy, one by one.

mod report;

use std::collections::HashSet;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use wxcode_core::{
    delivery::Delivery, excerpt::Excerpt, id::Id, milestone::Milestone, project::OutputProject,
};

pub use self::report::{PROBLEMS_MAX, Report};
use crate::{Added, CopyFile, Listing, PIECE_MAX, Page, ProjectRecords, Result, Store, StoreError};

/// Records per read.
const PAGE: u64 = 100;
/// Most projects added at once.
const AT_ONCE: usize = 50;
/// Most projects read or compared at the same time.
const READ_AT_ONCE: usize = 8;
/// Most of their records; a project with more than [`PAGE`] of a kind is copied alone.
const RECORDS_MAX: usize = 2_000;
/// Copies all records of `from` into `to`, project by project, then compares. Calls `progress`
/// after each project. Records already in `to` stay, so a repeated call continues an interrupted
/// copy. No one else may change either store meanwhile.
///
/// # Errors
/// A store cannot be reached, or holds an invalid record. A mere difference is a problem in the
/// report.
pub async fn everything(
    from: &dyn Store,
    to: &dyn Store,
    mut progress: impl FnMut(&Report) + Send,
) -> Result<Report> {
    let mut report = Report::default();
    let mut skip = 0;
    loop {
        let page = Page { skip, limit: PAGE };
        let listing = from.projects(page).await?;
        report.total = listing.total;
        if skip >= listing.total {
            return Ok(report);
        }
        count_unread(&mut report, "projects", &listing, page);
        let mut batch = Batch::default();
        let smalls = listing.items.iter().map(|project| async move {
            match to.project(project.id).await? {
                Some(_) => Ok(None),
                None => small(from, project).await,
            }
        });
        let smalls = together(smalls.collect()).await?;
        for (project, small) in listing.items.iter().zip(smalls) {
            if batch.is_full(small.as_ref()) {
                batch.copy(from, to, &mut report, &mut progress).await?;
            }
            batch.projects.push((project.clone(), small));
        }
        batch.copy(from, to, &mut report, &mut progress).await?;
        skip += PAGE;
    }
}

/// Projects to be copied together, in order; those with few records have them here.
#[derive(Default)]
struct Batch {
    projects: Vec<(OutputProject, Option<Small>)>,
}

impl Batch {
    fn is_full(&self, next: Option<&Small>) -> bool {
        let records = |small: &Small| small.milestones.items.len() + small.deliveries.items.len();
        let all = self.projects.iter().filter_map(|(_, small)| small.as_ref());
        let sum: usize = all.chain(next).map(records).sum();
        self.projects.len() >= AT_ONCE || sum > RECORDS_MAX
    }

    async fn copy(
        &mut self,
        from: &dyn Store,
        to: &dyn Store,
        report: &mut Report,
        progress: &mut (impl FnMut(&Report) + Send),
    ) -> Result<()> {
        let projects = std::mem::take(&mut self.projects);
        let small = projects
            .iter()
            .filter_map(|(project, small)| Some(small.as_ref()?.records(project)));
        let small: Vec<ProjectRecords> = small.collect();
        if !small.is_empty() {
            to.restore_projects(small).await?;
        }
        let equal = projects.iter().map(|(project, small)| async move {
            match small {
                Some(small) => small.is_in(to, project).await,
                None => Ok(false),
            }
        });
        let equal = together(equal.collect()).await?;
        for ((project, small), is_equal) in projects.iter().zip(equal) {
            let problems = report.problem_count;
            match small {
                Some(small) if is_equal => {
                    report.milestones += small.milestones.total;
                    report.deliveries += small.deliveries.total;
                }
                // It names the differences.
                _ => self::project(from, to, project, report).await?,
            }
            conversations(from, to, project.id, report).await?;
            report.projects += u64::from(problems == report.problem_count);
            progress(report);
        }
        Ok(())
    }
}

/// The answers to several questions, at most [`READ_AT_ONCE`] asked at the same time.
async fn together<T>(questions: Vec<impl Future<Output = Result<T>> + Send>) -> Result<Vec<T>> {
    let answers = stream::iter(questions).buffered(READ_AT_ONCE);
    answers.try_collect().await
}

/// All records of a project with few of them, as the source lists them.
struct Small {
    milestones: Listing<Excerpt<Milestone>>,
    deliveries: Listing<Excerpt<Delivery>>,
}

impl Small {
    fn records(&self, project: &OutputProject) -> ProjectRecords {
        let milestones = self.milestones.items.iter();
        let deliveries = self.deliveries.items.iter();
        ProjectRecords {
            project: project.clone(),
            milestones: milestones.map(|one| one.record.clone()).collect(),
            deliveries: deliveries.map(|one| one.record.clone()).collect(),
        }
    }

    /// Whether a store has exactly this project.
    async fn is_in(&self, to: &dyn Store, project: &OutputProject) -> Result<bool> {
        let page = Page {
            skip: 0,
            limit: PAGE,
        };
        Ok(to.project(project.id).await?.as_ref() == Some(project)
            && to.milestones(project.id, None, page).await? == self.milestones
            && to.deliveries(project.id, page).await? == self.deliveries)
    }
}

/// The records of a project, if they are few, whole and without doubles.
async fn small(from: &dyn Store, project: &OutputProject) -> Result<Option<Small>> {
    let page = Page {
        skip: 0,
        limit: PAGE,
    };
    let milestones = from.milestones(project.id, None, page).await?;
    let deliveries = from.deliveries(project.id, page).await?;
    let is_whole = milestones.items.len() as u64 == milestones.total
        && deliveries.items.len() as u64 == deliveries.total
        && !milestones.items.iter().any(|one| one.is_truncated)
        && !deliveries.items.iter().any(|one| one.is_truncated);
    let elements = milestones.items.iter();
    let elements = elements.filter_map(|one| one.element_id.as_deref());
    let keys = deliveries.items.iter();
    let keys = keys.filter_map(|one| one.idempotency_key.as_deref());
    let is_usable = is_whole && are_different(elements) && are_different(keys);
    Ok(is_usable.then_some(Small {
        milestones,
        deliveries,
    }))
}

fn are_different<'a>(mut texts: impl Iterator<Item = &'a str>) -> bool {
    let mut seen = HashSet::new();
    texts.all(|text| seen.insert(text))
}

async fn project(
    from: &dyn Store,
    to: &dyn Store,
    project: &OutputProject,
    report: &mut Report,
) -> Result<()> {
    let id = project.id;
    if to.project(id).await?.is_some() {
        report.found += 1;
    } else {
        to.restore_project(project).await?;
    }
    let kept = to.project(id).await?;
    compare(report, "project", id, Some(project), kept.as_ref());

    let mut skip = 0;
    loop {
        let page = Page { skip, limit: PAGE };
        let listing = from.milestones(id, None, page).await?;
        if skip >= listing.total {
            break;
        }
        count_unread(report, "milestones", &listing, page);
        for milestone in &listing.items {
            let whole = match milestone.is_truncated {
                true => from.milestone(milestone.id).await?,
                false => None,
            };
            self::milestone(to, whole.as_ref().unwrap_or(milestone), report).await?;
        }
        skip += PAGE;
    }
    let mut skip = 0;
    loop {
        let page = Page { skip, limit: PAGE };
        let listing = from.deliveries(id, page).await?;
        if skip >= listing.total {
            break;
        }
        for delivery in &listing.items {
            let whole = match delivery.is_truncated {
                true => from.delivery(delivery.id).await?,
                false => None,
            };
            self::delivery(to, whole.as_ref().unwrap_or(delivery), report).await?;
        }
        let copied = to.deliveries(id, page).await?;
        let ids = |listing: &Listing<Excerpt<Delivery>>| -> Vec<Id> {
            listing.items.iter().map(|delivery| delivery.id).collect()
        };
        if ids(&listing) != ids(&copied) {
            report.problem(format!(
                "the deliveries of project {id} are in another order in the target: remove the project there, and copy \
                 again"
            ));
        }
        skip += PAGE;
    }
    Ok(())
}

/// Copies the copies of a project's conversations. A file that the target has as long or longer
/// stays.
async fn conversations(
    from: &dyn Store,
    to: &dyn Store,
    project: Id,
    report: &mut Report,
) -> Result<()> {
    let files = from.copies(project).await?;
    if files.is_empty() {
        return Ok(());
    }
    let there = to.copies(project).await?;
    for file in files {
        let old = there
            .iter()
            .find(|old| (old.conversation, &old.name) == (file.conversation, &file.name));
        report.files += 1;
        if old.is_some_and(|old| old.len >= file.len) {
            report.found += 1;
            continue;
        }
        let mut new = CopyFile {
            version: old.map_or(0, |old| old.version + 1),
            epoch: old.map_or(0, |old| old.epoch).max(file.epoch),
            len: 0,
            ..file.clone()
        };
        while new.len < file.len {
            let bytes = from.read_copy(project, &file, new.len).await?;
            if bytes.is_empty() {
                break;
            }
            for piece in bytes.chunks(PIECE_MAX) {
                to.stage_copy(project, &new, piece).await?;
                new = new.longer(piece.len());
            }
        }
        let published = to.publish_copy(project, old, &new).await?;
        if !published || new.len != file.len {
            report.problem(format!(
                "the file {} of the conversation {} of project {project} could not be copied whole: copy again",
                file.name, file.conversation
            ));
        }
    }
    Ok(())
}

async fn milestone(to: &dyn Store, milestone: &Milestone, report: &mut Report) -> Result<()> {
    let id = milestone.id;
    if to.milestone(id).await?.is_some() {
        report.found += 1;
    } else {
        match to.add_milestone(milestone).await? {
            Added::Added => {}
            Added::DuplicateElement => {
                report.problem(format!(
                    "milestone {id} ({}) is for element {}, which another milestone of project {} has: remove one of \
                     them",
                    milestone.element_name,
                    milestone.element_id.as_deref().unwrap_or_default(),
                    milestone.output_project_id
                ));
                return Ok(());
            }
            Added::NoProject => return Err(vanished(milestone.output_project_id)),
        }
    }
    let kept = to.milestone(id).await?;
    report.milestones += u64::from(compare(
        report,
        "milestone",
        id,
        Some(milestone),
        kept.as_ref(),
    ));
    Ok(())
}

async fn delivery(to: &dyn Store, delivery: &Delivery, report: &mut Report) -> Result<()> {
    let id = delivery.id;
    if to.delivery(id).await?.is_some() {
        report.found += 1;
    } else if !to.restore_delivery(delivery).await? {
        return Err(vanished(delivery.output_project_id));
    }
    let kept = to.delivery(id).await?;
    report.deliveries += u64::from(compare(
        report,
        "delivery",
        id,
        Some(delivery),
        kept.as_ref(),
    ));
    Ok(())
}

/// Reports a difference; true if there is none.
fn compare<T: PartialEq>(
    report: &mut Report,
    what: &str,
    id: Id,
    wanted: Option<&T>,
    kept: Option<&T>,
) -> bool {
    let same = wanted == kept;
    if !same {
        report.problem(format!(
            "{what} {id} is different in the target: remove it there, or copy into an empty store"
        ));
    }
    same
}

/// Counts the records of a page that a store already had.
fn count_unread<T>(report: &mut Report, what: &str, listing: &Listing<T>, page: Page) {
    let expected = listing.total.saturating_sub(page.skip).min(page.limit);
    let missing = expected.saturating_sub(listing.items.len() as u64);
    if missing > 0 {
        report.problem(format!(
            "{missing} {what} of the source are unreadable: see the warnings above"
        ));
    }
}

fn vanished(project: Id) -> StoreError {
    StoreError::Refused(format!(
        "project {project} was removed from the target meanwhile: copy again while nothing uses it"
    ))
}
