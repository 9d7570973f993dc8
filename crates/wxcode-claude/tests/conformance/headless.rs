//! Facts about runs without a terminal.

use serde_json::Value;
use wxcode_claude::stream::InitCapture;

use crate::bench::Bench;

const STREAM: [&str; 3] = ["--output-format", "stream-json", "--verbose"];

pub(crate) fn init_line(bench: &Bench) -> String {
    let output = bench.print(&[&STREAM[..], &["first words"]].concat());
    assert!(output.status.success(), "{output:?}");
    let first = output.stdout.split(|byte| *byte == b'\n').next().unwrap();
    let line: Value = serde_json::from_slice(first).unwrap();
    assert_eq!(
        (&line["type"], &line["subtype"]),
        (&"system".into(), &"init".into())
    );
    let captured = InitCapture::new()
        .push(&output.stdout)
        .map(|id| id.to_string());
    assert!(captured.is_some());
    assert_eq!(line["session_id"].as_str(), captured.as_deref());
    let kib = first.len().div_ceil(1024);
    assert!(kib < 8 << 10, "{kib} KiB, more than is read of a line");
    "the first line, with `session_id`".to_owned()
}

pub(crate) fn resumed(bench: &Bench) -> String {
    let output = bench.print(&[&STREAM[..], &["first words"]].concat());
    let id = InitCapture::new().push(&output.stdout).unwrap();
    let resume = ["--resume".to_owned(), id.to_string()];
    let resume: Vec<&str> = resume.iter().map(String::as_str).collect();
    let output = bench.print(&[&STREAM[..], &resume, &["second words"]].concat());
    assert_eq!(InitCapture::new().push(&output.stdout), Some(id));
    let requests = bench.stub.requests();
    let last = requests.iter().rev().find(|request| request.is_turn());
    let texts = last.unwrap().user_texts();
    assert!(
        ["first words", "second words"]
            .iter()
            .all(|text| texts.iter().any(|seen| seen == text)),
        "{texts:?}"
    );
    "same id; the model was sent both messages".to_owned()
}
