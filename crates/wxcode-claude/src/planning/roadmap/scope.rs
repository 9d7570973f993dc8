//! Follows the sections of milestones in a roadmap: folded ones, and those below a heading.

use crate::planning::{
    MILESTONES_MAX,
    markdown::cut,
    milestone::{self, Standing},
};

/// The section of phases outside of any milestone's section.
pub(super) const UNSCOPED: usize = 0;
/// The level of a fold's summary, compared with headings.
pub(super) const SUMMARY_LEVEL: usize = 2;

/// A milestone's section.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// The milestone's version, or its title without one.
    pub(super) milestone: Option<String>,
    pub(super) standing: Standing,
}

/// The milestones' sections, the first of which is [`UNSCOPED`].
#[derive(Debug)]
pub(super) struct Scopes(Vec<Scope>);

impl Default for Scopes {
    fn default() -> Self {
        Self(vec![Scope::default()])
    }
}

impl Scopes {
    pub(super) fn get(&self, at: usize) -> &Scope {
        &self.0[at]
    }

    fn add(&mut self, scope: Scope) -> usize {
        // The sections beyond the bound share the last one.
        if self.0.len() <= MILESTONES_MAX {
            self.0.push(scope);
        }
        self.0.len() - 1
    }

    /// The section of a milestone, a new one if the roadmap has none so far.
    pub(super) fn of_version(&mut self, version: &str) -> usize {
        let found = self.0.iter().position(|scope| {
            let own = scope.milestone.as_deref();
            own.is_some_and(|own| milestone::same(own, version))
        });
        found.unwrap_or_else(|| {
            self.add(Scope {
                milestone: cut(version),
                standing: Standing::Unknown,
            })
        })
    }
}

/// The section at a line.
#[derive(Debug, Default)]
pub(super) struct Context {
    scope: usize,
    /// The level of the heading that began the section.
    level: usize,
    /// The sections and levels around the open folds, and the folds' own sections.
    folds: Vec<(usize, usize, usize)>,
    /// A heading announces a list of phases.
    pub(super) lists_phases: bool,
    headings: usize,
}

impl Context {
    pub(super) fn scope(&self) -> usize {
        self.scope
    }

    pub(super) fn is_shipped(&self, scopes: &Scopes) -> bool {
        scopes.get(self.scope).standing == Standing::Shipped
    }

    /// Begins a fold. The outermost one has a shipped milestone, unless its summary differs.
    pub(super) fn open_fold(&mut self, scopes: &mut Scopes) {
        let around = (self.scope, self.level);
        if self.folds.is_empty() {
            self.scope = scopes.add(Scope {
                milestone: None,
                standing: Standing::Shipped,
            });
        }
        self.level = 0;
        self.folds.push((around.0, around.1, self.scope));
    }

    /// Ends a fold; false without one.
    pub(super) fn close_fold(&mut self) -> bool {
        let Some((scope, level, _)) = self.folds.pop() else {
            return false;
        };
        (self.scope, self.level) = (scope, level);
        true
    }

    /// A fold whose summary names a phase has details of that phase, and is no milestone.
    pub(super) fn summarize_phase(&mut self) {
        if let [(scope, level, own)] = &mut self.folds[..] {
            *own = *scope;
            (self.scope, self.level) = (*scope, *level);
        }
    }

    /// Follows a heading, or a fold's summary, that names no phase.
    pub(super) fn title(&mut self, scopes: &mut Scopes, title: &str, level: usize, summary: bool) {
        self.headings += 1;
        let bare = title.trim_matches(|edge: char| !edge.is_alphanumeric());
        self.lists_phases = super::word::is_phase(bare);
        let base = self.folds.last().map_or(UNSCOPED, |(.., own)| *own);
        let standing = milestone::standing(title);
        let in_fold = summary && !self.folds.is_empty();
        let is_backlog = bare.to_lowercase().starts_with("backlog");
        if is_backlog {
            self.level = level;
            self.scope = scopes.add(Scope {
                milestone: None,
                standing: Standing::Backlog,
            });
        } else if let Some(named) = milestone::in_title(title)
            // The title of the document has the name of the project.
            && (summary || level > 1 || self.headings > 1)
        {
            let standing = match standing {
                Standing::Unknown if scopes.0[base].standing == Standing::Shipped => {
                    Standing::Shipped
                }
                standing => standing,
            };
            self.scope = scopes.of_version(&named);
            if scopes.0[self.scope].standing == Standing::Unknown {
                scopes.0[self.scope].standing = standing;
            }
            self.level = if in_fold { 0 } else { level };
            if let Some((.., own)) = self.folds.last_mut().filter(|_| in_fold) {
                *own = self.scope;
            }
        } else if in_fold {
            if matches!(standing, Standing::Active | Standing::Planned) && self.scope != UNSCOPED {
                scopes.0[self.scope].standing = standing;
            }
        } else if level <= self.level {
            self.scope = base;
            self.level = 0;
        }
    }
}
