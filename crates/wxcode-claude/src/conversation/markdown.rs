//! Writes turns as Markdown.

use std::fmt::Write as _;

use super::{Block, RefusedBy, Role, ToolResult, Turn};

/// A turn as Markdown: a heading with its author and time, then its blocks.
#[must_use]
pub fn markdown(turn: &Turn) -> String {
    let author = match turn.role {
        Role::User => "User",
        Role::Assistant => "Claude",
        Role::System => "Claude Code",
    };
    let at = turn.at.as_deref().unwrap_or_default();
    let mut out = format!("## {author} {at}").trim_end().to_owned();
    out.push_str("\n\n");
    for block in &turn.blocks {
        write_block(&mut out, block);
    }
    if turn.truncated {
        out.push_str("*(cut)*\n\n");
    }
    out
}

fn write_block(out: &mut String, block: &Block) {
    match block {
        Block::Text { text } => push(out, text),
        Block::Tool {
            name,
            input,
            result,
            ..
        } => {
            push(out, &format!("**{name}**"));
            fenced(out, "json", &format!("{input:#}"));
            if let Some(result) = result {
                write_result(out, result);
            }
        }
        Block::Question {
            questions,
            answers,
            refused,
            ..
        } => {
            for question in questions {
                push(out, &format!("**Question:** {}", question.question));
                for option in &question.options {
                    let _ = writeln!(out, "- {option}");
                }
                out.push('\n');
                let answer = answers
                    .as_ref()
                    .and_then(|answers| answers.get(&question.question));
                if let Some(answer) = answer {
                    push(out, &format!("**Answer:** {answer}"));
                }
            }
            if *refused {
                push(out, "*The user gave no answer.*");
            }
        }
        Block::Compaction { trigger, summary } => {
            let trigger = trigger.as_deref().unwrap_or("unknown");
            push(out, &format!("**Compaction** ({trigger})"));
            push(out, summary.as_deref().unwrap_or_default());
        }
        Block::Error { text } => push(out, &format!("**Error:** {text}")),
        Block::Refusal { hook, text } => {
            let hook = hook.as_deref().unwrap_or("a hook");
            push(out, &format!("**Refused by {hook}:** {text}"));
        }
    }
}

fn write_result(out: &mut String, result: &ToolResult) {
    match (result.refused_by, result.is_error) {
        (Some(RefusedBy::User), _) => push(out, "*Refused by the user:*"),
        (Some(RefusedBy::Hook), _) => push(out, "*Refused by a hook:*"),
        (Some(RefusedBy::Rule), _) => push(out, "*Refused by a rule:*"),
        (None, true) => push(out, "*Error:*"),
        (None, false) => push(out, "*Result:*"),
    }
    fenced(out, "", &result.text);
}

fn push(out: &mut String, text: &str) {
    if !text.is_empty() {
        out.push_str(text.trim_end());
        out.push_str("\n\n");
    }
}

/// A code block whose fence is longer than every fence in the text.
fn fenced(out: &mut String, language: &str, text: &str) {
    let longest = text.split(|char| char != '`').map(str::len).max();
    let fence = "`".repeat(longest.unwrap_or(0).max(2) + 1);
    let _ = write!(out, "{fence}{language}\n{}\n{fence}\n\n", text.trim_end());
}
