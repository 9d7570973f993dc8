//! Copies a store into another, in repeatable pieces, and compares the two.

use wxcode_core::{
    delivery::Delivery, excerpt::Excerpt, id::Id, milestone::Milestone, project::OutputProject,
};

use crate::{Added, CopyFile, Listing, PIECE_MAX, Page, Result, Store, StoreError};

/// Records per read.
const PAGE: u64 = 100;
/// Most problems named in a report; further problems are counted.
pub const PROBLEMS_MAX: usize = 100;

/// The progress or the result of a copy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Projects of the source.
    pub total: u64,
    /// Projects copied with all their records, and compared.
    pub projects: u64,
    /// Milestones of these projects.
    pub milestones: u64,
    /// Deliveries of these projects.
    pub deliveries: u64,
    /// Files of copies of their conversations.
    pub files: u64,
    /// Records and files found in the target from an earlier copy.
    pub found: u64,
    /// Up to [`PROBLEMS_MAX`] differences between source and target, with their reasons.
    pub problems: Vec<String>,
    /// The number of all problems.
    pub problem_count: u64,
}

impl Report {
    fn problem(&mut self, problem: String) {
        self.problem_count += 1;
        if self.problems.len() < PROBLEMS_MAX {
            self.problems.push(problem);
        }
    }
}

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
        for project in &listing.items {
            let problems = report.problem_count;
            self::project(from, to, project, &mut report).await?;
            conversations(from, to, project.id, &mut report).await?;
            report.projects += u64::from(problems == report.problem_count);
            progress(&report);
        }
        skip += PAGE;
    }
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
    let there = to.copies(project).await?;
    for file in from.copies(project).await? {
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
