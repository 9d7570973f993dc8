use std::sync::Barrier;

use super::*;

/// Enough time for a job without a hang, on a busy machine.
const DEADLINE: Duration = Duration::from_secs(5);

/// A job that hangs until the sender is dropped.
fn hanging() -> (
    mpsc::Sender<()>,
    impl FnOnce() -> Result<(), FileError> + Send,
) {
    let (sender, receiver) = mpsc::channel();
    let work = move || {
        let _ = receiver.recv();
        Ok(())
    };
    (sender, work)
}

async fn answers(pool: &Pool, place: &str) -> Result<u8, FileError> {
    pool.run(Path::new(place), || Ok::<_, FileError>(7)).await
}

#[tokio::test]
async fn a_place_that_hangs_is_refused_until_it_answers() {
    let pool = Pool::new(Duration::from_millis(100));
    let (release, work) = hanging();
    let error = pool.run(Path::new("/slow"), work).await.unwrap_err();
    assert_eq!(
        error.to_string().split(',').next(),
        Some("/slow did not answer within 0 s: check its file system")
    );
    let begun = Instant::now();
    let again = answers(&pool, "/slow").await.unwrap_err();
    assert_eq!(again.code(), "file_hangs");
    assert!(begun.elapsed() < pool.deadline, "it is refused at once");
    drop(release);
    while answers(&pool, "/slow").await.is_err() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn other_places_continue_despite_hangs() {
    let pool = Arc::new(Pool::new(Duration::from_millis(200)));
    let mut releases = Vec::new();
    let mut jobs = Vec::new();
    for place in 0..3 * JOBS_MAX {
        let (release, work) = hanging();
        releases.push(release);
        let pool = Arc::clone(&pool);
        jobs.push(tokio::spawn(async move {
            pool.run(Path::new(&format!("/slow/{place}")), work).await
        }));
    }
    for job in jobs {
        assert_eq!(job.await.unwrap().unwrap_err().code(), "file_hangs");
    }
    // A busy machine may need more than one try within so short a deadline.
    while answers(&pool, "/fast").await.is_err() {}
    assert!(pool.jobs.table().running.len() <= 3 * JOBS_MAX);
}

#[tokio::test]
async fn jobs_of_one_place_are_bounded_and_wait() {
    let pool = Arc::new(Pool::new(DEADLINE));
    let barrier = Arc::new(Barrier::new(JOBS_PER_PLACE_MAX));
    let mut jobs = Vec::new();
    // Each job needs all the others to run.
    for _ in 0..5 * JOBS_PER_PLACE_MAX {
        let (pool, barrier) = (Arc::clone(&pool), Arc::clone(&barrier));
        jobs.push(tokio::spawn(async move {
            let seen = Arc::clone(&pool.jobs);
            let work = move || {
                let running = seen.table().running.len();
                barrier.wait();
                Ok::<_, FileError>(running)
            };
            pool.run(Path::new("/place"), work).await
        }));
    }
    for job in jobs {
        assert!(job.await.unwrap().unwrap() <= JOBS_PER_PLACE_MAX);
    }
    assert!(pool.jobs.table().running.is_empty());
}

#[tokio::test]
async fn a_panic_ends_one_job() {
    let pool = Pool::new(DEADLINE);
    let work = || -> Result<(), FileError> { panic!("on purpose") };
    let error = pool.run(Path::new("/place"), work).await.unwrap_err();
    assert_eq!(error.code(), "file_unusable");
    assert!(pool.jobs.table().running.is_empty());
    assert_eq!(answers(&pool, "/place").await.unwrap(), 7);
}

#[test]
fn the_command_line_gets_the_answer() {
    let done = wait(Path::new("/place"), || Ok::<_, FileError>(7));
    assert_eq!(done.unwrap(), 7);
}
