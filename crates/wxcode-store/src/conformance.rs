//! The promises of the [`Store`] trait as tests, one function a promise, for every store to run.
//!
//! A store's tests name a function that makes an empty place for records, and get one test a promise:
//!
//! ```ignore
//! wxcode_store::conformance_tests!(crate::fresh);
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "these are tests")]

pub mod project;
pub mod sample;

use std::sync::Arc;

use async_trait::async_trait;

use crate::{Page, Store};

/// A place for records that is empty at first and can be opened more than once.
#[async_trait]
pub trait Records: Send + Sync {
    /// Another store on the same records, with connections of its own.
    async fn open(&self) -> Arc<dyn Store>;
}

/// Everything that a listing holds, up to the largest page.
pub const ALL: Page = Page {
    skip: 0,
    limit: crate::PAGE_MAX,
};

/// Makes one test of each promise; `$fresh` is the absolute path of an async function that makes an empty [`Records`].
#[macro_export]
macro_rules! conformance_tests {
    ($fresh:path) => {
        $crate::conformance_tests! { @each $fresh;
            project {
                reads_back_as_it_was_written,
                an_id_that_is_taken_is_refused,
                what_is_missing_is_not_changed,
                a_patch_changes_only_what_it_names,
                the_status_advances_only_from_what_it_was,
                a_thousand_are_listed_in_pages,
                removal_takes_everything_of_it_along,
                long_and_odd_texts_come_back_whole,
                another_store_sees_it_at_once,
            }
        }
    };
    (@each $fresh:path; $($noun:ident { $($promise:ident),+ $(,)? })+) => {
        $(
            mod $noun {
                $(
                    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                    async fn $promise() {
                        $crate::conformance::$noun::$promise(&$fresh().await).await;
                    }
                )+
            }
        )+
    };
}
