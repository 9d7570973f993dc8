//! The promises of the [`Store`] trait as tests, one function each, for every store.
//!
//! A store's tests name a function that makes an empty place for records. They get one test per
//! promise:
//!
//! ```text
//! wxcode_store::conformance_tests!(crate::fresh);
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are tests")]

pub mod command;
pub mod conflict;
pub mod delivery;
pub mod excerpt;
pub mod identity;
pub mod lease;
pub mod milestone;
pub mod project;
pub mod race;
mod runners;
pub mod sample;
pub mod step;
pub mod workspace;

use std::sync::Arc;

use async_trait::async_trait;

use crate::{Page, Store};

/// A place for records, empty at first, for any number of stores.
#[async_trait]
pub trait Records: Send + Sync {
    /// Opens another store on the same records, with separate connections.
    async fn open(&self) -> Arc<dyn Store>;
}

/// The whole listing, up to the largest page.
pub const ALL: Page = Page {
    skip: 0,
    limit: crate::PAGE_MAX,
};

/// Makes one test of each promise. `$fresh` is the absolute path of an async function returning an
/// empty [`Records`], or `None` after printing why the tests cannot run.
#[macro_export]
macro_rules! conformance_tests {
    ($fresh:path) => {
        $crate::conformance_tests! { @each $fresh;
            project {
                reads_back_as_it_was_written,
                an_id_that_is_taken_is_refused,
                the_same_again_is_added_once,
                what_is_missing_is_not_changed,
                a_patch_changes_only_what_it_names,
                the_status_advances_only_from_what_it_was,
                a_thousand_are_listed_in_pages,
                removal_takes_everything_of_it_along,
                long_and_odd_texts_come_back_whole,
                another_store_sees_it_at_once,
            }
            identity {
                an_id_is_set_only_where_there_was_none,
                a_rotation_needs_the_current_id,
                a_hook_read_again_changes_nothing,
                the_history_keeps_every_conversation,
                a_note_goes_to_the_latest_entry,
                without_a_project_nothing_is_noted,
            }
            milestone {
                reads_back_as_it_was_written,
                an_element_is_taken_once_in_a_project,
                the_same_again_is_added_once,
                a_milestone_needs_a_project,
                a_thousand_are_listed_in_pages_and_by_status,
                it_advances_only_from_what_it_was,
                who_moved_it_and_why_is_kept,
                only_a_pending_one_is_removed,
            }
            command {
                a_milestone_is_queued_once,
                only_a_pending_milestone_is_queued,
                a_failed_command_of_a_pending_milestone_is_queued_anew,
                a_pending_milestone_says_why_its_command_failed,
                the_first_command_is_given_once_and_given_back,
                giving_up_fails_the_queued_command,
                giving_up_leaves_a_command_that_is_on_its_way,
                trying_again_forgets_the_delivery_that_is_over,
                trying_again_keeps_the_delivery_that_is_on_its_way,
                removal_fails_the_queued_command,
                one_whose_command_is_on_its_way_stays,
            }
            delivery {
                a_text_is_queued_and_reads_back,
                the_same_again_is_queued_once,
                a_key_is_used_once_in_a_project,
                what_is_missing_is_not_queued,
                the_queue_is_bounded,
                a_thousand_are_listed_in_pages,
                open_ones_are_found,
                one_of_another_store_is_kept_as_it_is,
            }
            excerpt {
                deliveries_are_listed_by_their_beginnings,
                milestones_are_listed_by_their_beginnings,
            }
            workspace {
                a_folder_belongs_to_one_project,
                a_project_moves_only_to_a_free_folder,
                restored_projects_may_share_a_folder,
                one_of_64_takes_a_folder,
                one_of_64_moves_to_a_folder,
            }
            step {
                a_step_needs_the_version,
                a_step_keeps_all_it_says,
                submitting_moves_the_milestone_and_the_project,
                submitting_a_text_moves_nothing_else,
                one_that_is_over_never_changes,
            }
            race {
                one_of_64_sets_the_first_id,
                one_of_64_rotates_from_an_id,
                one_of_64_hooks_with_the_same_number_counts,
                one_of_64_takes_an_element,
                one_of_64_uses_a_key,
                one_of_64_starts_a_milestone,
                one_of_64_milestones_gets_the_first_command,
                one_of_64_steps_wins,
                one_of_64_advances_a_milestone,
            }
            lease {
                a_project_has_none_at_first,
                it_is_replaced_only_as_it_is_known,
                one_of_64_takes_it,
                one_of_64_takes_it_over,
                it_is_renewed_or_taken,
                renewals_are_in_nobodys_way,
            }
            conflict {
                rotations_on_top_of_each_other_lose_no_entry,
                the_last_places_of_the_queue_are_given_once,
                a_milestone_is_removed_or_its_command_is_on_its_way,
                a_milestone_is_given_up_or_its_command_is_on_its_way,
                different_fields_of_a_project_do_not_undo_each_other,
                a_project_is_removed_with_what_was_being_added,
            }
        }
    };
    (@each $fresh:path; $($noun:ident { $($promise:ident),+ $(,)? })+) => {
        $(
            mod $noun {
                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                    async fn $promise() {
                        if let Some(records) = $fresh().await {
                            $crate::conformance::$noun::$promise(&records).await;
                        }
                    }
                )+
            }
        )+
    };
}
