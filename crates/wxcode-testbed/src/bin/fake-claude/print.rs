//! `-p`: a prompt, an answer, no screen; hooks and transcript as in a session.

use std::io;

use serde_json::{Value, json};

use crate::{arguments::Arguments, conversation::Conversation, hooks::Hooks};

/// Answers the prompt; returns the exit code.
pub(crate) fn run(arguments: &Arguments) -> io::Result<u8> {
    let mut conversation = match Conversation::open(arguments)? {
        Ok(conversation) => conversation,
        Err(message) => {
            println!("{message}");
            return Ok(1);
        }
    };
    let hooks = match &arguments.settings {
        Some(settings) => Hooks::load(settings)?,
        None => Hooks::default(),
    };
    let prompt = arguments.prompt.as_deref().unwrap_or_default();
    let source = if arguments.resume.is_some() {
        "resume"
    } else {
        "startup"
    };
    conversation.publish("busy")?;
    report(
        &conversation,
        &hooks,
        "SessionStart",
        json!({ "source": source, "model": "fake" }),
    );
    report(
        &conversation,
        &hooks,
        "UserPromptSubmit",
        json!({ "prompt": prompt }),
    );
    conversation.user(prompt, None)?;
    conversation.assistant("done")?;
    report(
        &conversation,
        &hooks,
        "Stop",
        json!({ "last_assistant_message": "done" }),
    );
    report(
        &conversation,
        &hooks,
        "SessionEnd",
        json!({ "reason": "other" }),
    );
    conversation.unpublish();
    println!("done");
    Ok(0)
}

fn report(conversation: &Conversation, hooks: &Hooks, event: &str, fields: Value) {
    let mut payload = conversation.payload(event);
    if let (Value::Object(payload), Value::Object(fields)) = (&mut payload, fields) {
        payload.extend(fields);
    }
    hooks.run(event, &payload);
}
