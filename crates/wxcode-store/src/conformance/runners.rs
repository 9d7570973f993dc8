//! Runs many tasks from the same moment on, on several stores of the same records.

use std::sync::Arc;

use tokio::sync::Barrier;
use uuid::Uuid;

use super::Records;
use crate::Store;

/// Tasks in a race.
pub(super) const RUNNERS: usize = 64;
/// Stores on the same records, shared by the tasks.
const STORES: usize = 4;

/// Runs `run` for each number concurrently, on several stores; returns the answers in order.
pub(super) async fn race<T, F>(
    records: &impl Records,
    run: impl Fn(Arc<dyn Store>, usize) -> F,
) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut stores = Vec::new();
    for _ in 0..STORES {
        stores.push(records.open().await);
    }
    let start = Arc::new(Barrier::new(RUNNERS));
    let tasks: Vec<_> = (0..RUNNERS)
        .map(|number| {
            let (start, running) = (
                Arc::clone(&start),
                run(Arc::clone(&stores[number % STORES]), number),
            );
            tokio::spawn(async move {
                start.wait().await;
                running.await
            })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

/// Runs two tasks at once, each on a separate store.
pub(super) async fn duel<A: Send + 'static, B: Send + 'static>(
    a: impl Future<Output = A> + Send + 'static,
    b: impl Future<Output = B> + Send + 'static,
) -> (A, B) {
    let start = Arc::new(Barrier::new(2));
    let begin = Arc::clone(&start);
    let a = tokio::spawn(async move {
        begin.wait().await;
        a.await
    });
    let b = tokio::spawn(async move {
        start.wait().await;
        b.await
    });
    (a.await.unwrap(), b.await.unwrap())
}

/// The number of the only winning answer.
pub(super) fn only<T>(answers: &[T], won: impl Fn(&T) -> bool) -> usize {
    let winners: Vec<_> = (0..answers.len())
        .filter(|number| won(&answers[*number]))
        .collect();
    assert_eq!(winners.len(), 1, "{winners:?} won");
    winners[0]
}

/// The ids to be set by the tasks.
pub(super) fn wanted() -> Vec<Uuid> {
    (0..RUNNERS).map(|_| Uuid::new_v4()).collect()
}
