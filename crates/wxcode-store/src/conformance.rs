//! The promises of the [`Store`] trait as tests, a function each, for every store.
//!
//! A store's tests name a function for an empty place for records. They get a test per promise:
//!
//! ```text
//! wxcode_store::conformance_tests!(crate::fresh);
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are tests")]

pub mod access;
pub mod command;
pub mod conflict;
pub mod conversation;
pub mod delivery;
pub mod excerpt;
pub mod identity;
pub mod lease;
pub mod milestone;
pub mod node;
pub mod notice;
pub mod project;
pub mod queue;
pub mod race;
pub mod rewording;
mod runners;
pub mod sample;
pub mod settings;
pub mod step;
pub mod withdrawal;
pub mod workspace;

use std::sync::Arc;

use async_trait::async_trait;

use crate::{Page, Store};

/// A place for records, empty at first, for any number of stores.
#[async_trait]
pub trait Records: Send + Sync {
    /// Opens another store on the same records, with separate connections.
    async fn open(&self) -> Arc<dyn Store>;
    /// Checks the place after a promise was kept.
    async fn ended(&self) {}
}

/// The whole listing, up to the largest page.
pub const ALL: Page = Page {
    skip: 0,
    limit: crate::PAGE_MAX,
};

/// Makes a test of each promise. `$fresh` is the absolute path of an async function returning an
/// empty [`Records`], or `None` after printing why the tests cannot run.
#[macro_export]
macro_rules! conformance_tests {
    ($fresh:path) => {
        $crate::conformance_tests! { @each $fresh;
            project {
                reads_back_as_it_was_written,
                a_taken_id_is_refused,
                a_repeated_addition_counts_once,
                a_missing_project_stays_missing,
                metered_projects_are_listed_alone,
                a_status_move_needs_the_old_status,
                a_thousand_are_listed_in_pages,
                removal_includes_all_records,
                long_and_odd_texts_come_back_whole,
                another_store_sees_changes_at_once,
            }
            settings {
                a_patch_changes_only_named_fields,
                settings_change_one_by_one,
            }
            identity {
                the_first_id_is_set_once,
                a_rotation_needs_the_current_id,
                a_repeated_hook_changes_nothing,
                the_history_keeps_every_conversation,
                a_note_goes_to_the_latest_entry,
                a_note_needs_a_project,
            }
            milestone {
                reads_back_as_it_was_written,
                an_element_is_unique_in_a_project,
                a_repeated_addition_counts_once,
                a_milestone_needs_a_project,
                a_thousand_are_listed_by_status,
                the_newest_in_work_is_found,
                a_move_needs_the_old_status,
                mover_and_reason_are_kept,
                only_a_pending_milestone_is_removed,
            }
            rewording {
                an_edit_changes_only_named_texts,
                only_a_pending_milestone_is_edited,
            }
            command {
                a_milestone_is_queued_once,
                only_a_pending_milestone_is_queued,
                a_failed_command_is_queued_again,
                a_pending_milestone_shows_the_failure,
                the_first_command_has_one_holder,
            }
            withdrawal {
                giving_up_fails_the_queued_command,
                giving_up_keeps_a_written_command,
                a_retry_drops_the_ended_delivery,
                a_retry_keeps_the_written_delivery,
                removal_fails_the_queued_command,
                removal_refuses_a_written_command,
            }
            delivery {
                a_text_is_queued_and_reads_back,
                a_repeated_request_is_queued_once,
                a_key_is_used_once_in_a_project,
                a_missing_project_queues_nothing,
                the_queue_is_bounded,
                a_thousand_are_listed_in_pages,
                open_deliveries_are_found,
                a_copied_delivery_stays_unchanged,
            }
            queue {
                an_edit_changes_only_named_fields,
                only_a_waiting_delivery_is_edited,
                a_delivery_moves_in_the_queue,
                a_full_queue_is_reordered,
                a_delivery_waits_for_its_time,
                steering_comes_first_in_a_turn,
                a_cancelled_command_is_queued_again,
                one_of_64_edits_or_the_worker_wins,
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
                a_step_keeps_every_field,
                submitting_moves_the_milestone_and_the_project,
                submitting_a_text_moves_nothing_else,
                an_ended_delivery_never_changes,
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
            node {
                a_node_has_one_record,
                the_first_key_stays,
                held_leases_are_listed,
            }
            lease {
                an_old_epoch_changes_nothing,
                a_new_project_has_no_lease,
                replacing_needs_the_known_lease,
                one_of_64_acquires_a_lease,
                one_of_64_takes_a_lease_over,
                a_lease_is_renewed_or_taken,
                renewals_disturb_no_other_change,
            }
            access {
                a_credential_reads_back_with_its_use,
                one_of_64_takes_a_token_name,
                credentials_go_with_time_and_project,
                the_audit_is_read_backwards,
            }
            conversation {
                a_copy_grows_piece_by_piece,
                a_late_writer_changes_nothing,
                a_version_replaces_another_whole,
                one_of_64_publishes,
            }
            notice {
                a_target_reads_back_and_goes_with_its_notices,
                notices_are_claimed_once_and_retried,
                a_notice_is_claimed_by_one_of_64,
                the_oldest_notices_go_first,
            }
            conflict {
                concurrent_rotations_lose_no_entry,
                the_queue_bound_holds_concurrently,
                removal_and_writing_exclude_each_other,
                giving_up_and_submitting_are_ordered,
                concurrent_writes_keep_other_fields,
                removal_includes_concurrent_additions,
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
                            $crate::conformance::Records::ended(&records).await;
                        }
                    }
                )+
            }
        )+
    };
}
