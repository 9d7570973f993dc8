//! The OpenAPI document's forms of texts: the patterns behind the names in braces, and the words of
//! a field with few.

use utoipa::openapi::{
    Object, OpenApi, RefOr, Schema,
    path::{Operation, ParameterIn},
};

/// Characters that no name has: see `check_name` in `project.rs`.
macro_rules! not_in_a_name {
    () => {
        r"\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff"
    };
}

/// The names of patterns in attributes, and the patterns.
const PATTERNS: [(&str, &str); 4] = [
    ("{id}", "^[0-9A-Fa-f]{24}$"),
    // Something visible among fit characters.
    (
        "{name}",
        concat!(
            "^[^",
            not_in_a_name!(),
            r"]*[^\s",
            not_in_a_name!(),
            "][^",
            not_in_a_name!(),
            "]*$"
        ),
    ),
    ("{reference}", r"^[^\x00-\x1f\x7f-\x9f]+$"),
    // Anything with something visible.
    (
        "{visible}",
        r"[^\s\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]",
    ),
];

const SESSION_STATUS: &[&str] = &[
    "none",
    "starting",
    "running",
    "exited",
    "hibernated",
    "unreachable",
];
const AGENT_STATE: &[&str] = &[
    "starting",
    "idle",
    "working",
    "waiting_permission",
    "waiting_question",
    "waiting_limit",
    "blocked_dialog",
    "unknown",
];
const MILESTONE_STATUS: &[&str] = &["pending", "in_progress", "completed", "failed"];
const ROLE: &[&str] = &["viewer", "operator", "admin"];

/// Fields of answers with few words: schema, field, words. Programs get types from them.
const WORDS: [(&str, &str, &[&str]); 13] = [
    ("AskView", "kind", &["permission", "question", "dialog"]),
    ("CallerView", "role", ROLE),
    (
        "ChangedFile",
        "status",
        &["added", "modified", "deleted", "type_changed"],
    ),
    ("CredentialView", "role", ROLE),
    (
        "DeliveryView",
        "state",
        &["queued", "written", "submitted", "failed"],
    ),
    ("MilestoneSummary", "status", MILESTONE_STATUS),
    ("MilestoneView", "status", MILESTONE_STATUS),
    (
        "ProjectView",
        "status",
        &["created", "initialized", "active"],
    ),
    (
        "RunView",
        "state",
        &["running", "succeeded", "failed", "stopped"],
    ),
    ("SessionSummary", "agent_state", AGENT_STATE),
    ("SessionSummary", "status", SESSION_STATUS),
    ("SessionView", "agent_state", AGENT_STATE),
    ("SessionView", "status", SESSION_STATUS),
];

/// Gives the parameters of an operation their patterns; each id in a path has one.
pub(super) fn describe(operation: &mut Operation) {
    for parameter in operation.parameters.iter_mut().flatten() {
        let RefOr::T(parameter) = parameter else {
            continue;
        };
        let is_id = parameter.name == "id" || parameter.name.ends_with("_id");
        if let Some(RefOr::T(Schema::Object(schema))) = &mut parameter.schema {
            if is_id && parameter.parameter_in == ParameterIn::Path {
                schema.pattern = Some("{id}".to_owned());
            }
            resolve(schema);
        }
    }
}

/// Gives the fields of all bodies their patterns and words.
pub(super) fn describe_schemas(document: &mut OpenApi) {
    let schemas = document.components.iter_mut();
    for (of, schema) in schemas.flat_map(|components| components.schemas.iter_mut()) {
        if let RefOr::T(Schema::Object(schema)) = schema {
            for (name, field) in &mut schema.properties {
                if let RefOr::T(Schema::Object(field)) = field {
                    resolve(field);
                    let known = WORDS.iter().find(|(in_, at, _)| in_ == of && at == name);
                    if let Some((_, _, words)) = known {
                        let words = words.iter().map(|word| (*word).into());
                        field.enum_values = Some(words.collect());
                    }
                }
            }
        }
    }
}

fn resolve(schema: &mut Object) {
    let named = schema.pattern.as_deref();
    let found = PATTERNS.iter().find(|(name, _)| Some(*name) == named);
    if let Some((_, pattern)) = found {
        schema.pattern = Some((*pattern).to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::super::openapi;

    #[test]
    fn fields_with_few_words_list_them() {
        let document = serde_json::to_value(openapi()).unwrap();
        for (schema, field, words) in super::WORDS {
            let described = &document["components"]["schemas"][schema]["properties"][field]["enum"];
            assert_eq!(*described, serde_json::json!(words), "{schema}.{field}");
        }
    }

    #[test]
    fn every_reference_leads_to_a_schema() {
        let document = serde_json::to_value(openapi()).unwrap();
        let text = document.to_string();
        for part in text.split("#/components/schemas/").skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(
                document["components"]["schemas"][name].is_object(),
                "{name}"
            );
        }
    }

    #[test]
    fn every_named_pattern_is_resolved() {
        let text = serde_json::to_string(&openapi()).unwrap();
        assert!(!text.contains(r#""pattern":"{"#), "{text}");
        assert!(text.contains(r#""pattern":"^[0-9A-Fa-f]{24}$""#));
    }
}
