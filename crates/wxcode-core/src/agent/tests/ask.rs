//! Requests, questions and their dialogs, in any order.

use super::*;

#[test]
fn a_background_subagent_asks_between_turns() {
    let by = Some("a1");
    after_start(&[
        (Evidence::PromptSubmitted, Working, false),
        (Evidence::TurnEnded, Idle, false),
        (request(6, by, "ls"), WaitingPermission, false),
        (permission("ls"), WaitingPermission, false),
        (over(by, "ls"), Idle, false),
        (request(8, by, "id"), WaitingPermission, false),
        (permission("id"), WaitingPermission, false),
        (Evidence::TurnEnded, WaitingPermission, false),
        (Evidence::SubagentEnded { by: "a1".into() }, Idle, false),
        (quiet(), Idle, true),
    ]);
}

#[test]
fn the_visible_request_is_pending() {
    let mut agent = after_start(&[
        (Evidence::PromptSubmitted, Working, false),
        // As with the real agent, the requests come in another order than the dialogs.
        (request(4, None, "echo two"), WaitingPermission, false),
        (request(5, None, "echo one"), WaitingPermission, false),
        (permission("1 of 2 echo one"), WaitingPermission, false),
    ]);
    let ask = agent.ask().unwrap();
    assert_eq!((ask.id.as_str(), ask.kind), ("h5", AskKind::Permission));
    assert_eq!(ask.tool_input, Some(json!({ "command": "echo one" })));
    assert_eq!(ask.options, ["Yes", "No"]);
    // Another tool in parallel is no evidence about the question.
    agent.observe(&over(None, "echo else"));
    assert_eq!(agent.ask_id().as_deref(), Some("h5"));
    agent.observe(&permission("2 of 2 echo two"));
    assert_eq!(agent.ask_id().as_deref(), Some("h4"));
    agent.observe(&over(None, "echo one"));
    assert_eq!(agent.ask_id().as_deref(), Some("h4"));
    agent.observe(&over(None, "echo two"));
    assert_eq!((agent.ask(), agent.state()), (None, Working));
}

#[test]
fn a_late_request_keeps_its_dialogs_id() {
    let mut agent = after_start(&[
        (Evidence::PromptSubmitted, Working, false),
        (permission("make everything"), WaitingPermission, false),
    ]);
    let read = agent.ask_id();
    assert!(
        read.as_ref().is_some_and(|id| id.starts_with('s')),
        "{read:?}"
    );
    agent.observe(&request(7, None, "make everything"));
    assert_eq!(agent.ask_id(), read);
    agent.observe(&permission("make everything"));
    assert_eq!(agent.ask_id(), read);
    assert_eq!(agent.ask().unwrap().tool_name.as_deref(), Some("Bash"));
    // The next one has an id of its own.
    agent.observe(&over(None, "make everything"));
    agent.observe(&request(9, None, "make everything"));
    agent.observe(&permission("make everything"));
    assert_eq!(agent.ask_id().as_deref(), Some("h9"));
}

#[test]
fn late_dialogs_find_their_request() {
    for seems_answered in [
        vec![glimpse()],
        vec![Evidence::Glimpse(drawing()), Evidence::RecordedBusy],
        vec![Evidence::RecordedIdle],
    ] {
        let answer = |agent: &mut Agent| {
            for evidence in &seems_answered {
                agent.observe(evidence);
            }
        };
        let mut agent = after_start(&[
            (Evidence::TurnGoesOn, Working, false),
            (
                request(4, Some("a1"), "make everything"),
                WaitingPermission,
                false,
            ),
            (permission("make everything"), WaitingPermission, false),
        ]);
        answer(&mut agent);
        assert_eq!(agent.ask(), None);
        agent.observe(&permission("make everything"));
        assert_eq!(agent.ask_id().as_deref(), Some("h4"));
        agent.observe(&over(Some("a1"), "make everything"));
        // A second request with the same words is a new question; a request with other words
        // belongs to none.
        agent.observe(&request(7, Some("a1"), "make everything"));
        agent.observe(&permission("make everything"));
        assert_eq!(agent.ask_id().as_deref(), Some("h7"));
        answer(&mut agent);
        agent.observe(&permission("something else"));
        assert_eq!(agent.ask_id().as_deref(), Some("s7"));
    }
}

#[test]
fn a_file_is_known_by_its_name() {
    let edit = |hook, path: &str| {
        Evidence::Requested(Request {
            hook,
            by: None,
            tool_name: "Edit".into(),
            tool_input: json!({ "file_path": path, "old_string": "\nfn one() {\n}", "new_string": "" }),
            questions: vec![],
        })
    };
    let mut agent = after_start(&[
        (edit(3, "/w/src/one.rs"), WaitingPermission, false),
        (edit(4, "/w/src/two.rs"), WaitingPermission, false),
    ]);
    agent.observe(&permission("Edit file src/two.rs 7 - fn one() {"));
    assert_eq!(agent.ask_id().as_deref(), Some("h4"));
    agent.observe(&permission("Edit file src/one.rs 7 - fn one() {"));
    assert_eq!(agent.ask_id().as_deref(), Some("h3"));
}

#[test]
fn a_question_precedes_its_screen_and_keeps_its_id() {
    let mut agent = after_start(&[
        (Evidence::PromptSubmitted, Working, false),
        (request(9, None, "ls"), WaitingPermission, false),
    ]);
    let told = agent.ask().unwrap();
    assert_eq!((told.id.as_str(), told.options.len()), ("h9", 0));
    agent.observe(&permission("something else altogether"));
    let shown = agent.ask().unwrap();
    assert_eq!((shown.id.as_str(), shown.options.len()), ("h9", 2));
    assert_eq!(shown.tool_name.as_deref(), Some("Bash"));
}

#[test]
fn a_dialog_without_a_hook_is_a_question() {
    let mut agent = after_start(&[(permission("Agent(sub work)"), WaitingPermission, false)]);
    let ask = agent.ask().unwrap();
    assert_eq!((ask.id.as_str(), &ask.tool_name), ("s7", &None));
    agent.observe(&quiet());
    assert_eq!((agent.state(), agent.ask()), (Idle, None));
}
