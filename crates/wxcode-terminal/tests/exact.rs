//! The judgement: a terminal that reads a dump is the terminal that read the stream.

mod judge;
mod stream;

use judge::{Judge, Step};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use wxcode_terminal::Size;

/// Generated cases of one run; more by `PROPTEST_CASES`.
const CASES: u32 = 400;

fn config() -> Config {
    let cases = std::env::var("PROPTEST_CASES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(CASES);
    Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    }
}

fn generated(history: bool) {
    let Some(judge) = Judge::start() else { return };
    let judge = std::cell::RefCell::new(judge);
    let strategy = (stream::size(), stream::steps(), stream::bytes());
    let result = TestRunner::new(config()).run(&strategy, |((cols, rows), steps, further)| {
        let size = Size::new(cols, rows).unwrap();
        let verdict = judge.borrow_mut().compare(size, &steps, b"", history);
        prop_assume!(!verdict.threw);
        prop_assert!(
            verdict.diff.is_empty(),
            "at the end: {:#?}\n{}",
            verdict.diff,
            show(&steps)
        );
        let verdict = judge.borrow_mut().compare(size, &steps, &further, history);
        prop_assume!(!verdict.threw);
        prop_assert!(
            verdict.diff.is_empty(),
            "later: {:#?}\n{}",
            verdict.diff,
            show(&steps)
        );
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

fn show(steps: &[Step]) -> String {
    let one = |step: &Step| match step {
        Step::Write(bytes) => format!("write {:?}", String::from_utf8_lossy(bytes)),
        Step::Resize(cols, rows) => format!("resize {cols} {rows}"),
    };
    steps.iter().map(one).collect::<Vec<_>>().join("\n")
}

#[test]
fn generated_streams_give_the_same_screen_and_history() {
    generated(true);
}
