//! The OpenAPI document's forms of texts: the patterns behind the names in braces, and the words of
//! a field with few.

use serde::Serialize;
use serde_json::Value;
use utoipa::openapi::{
    Object, OpenApi, RefOr, Schema,
    path::{Operation, ParameterIn},
    schema::{SchemaType, Type},
};
use wxcode_core::{
    access::Role,
    agent::AgentState,
    delivery::{DeliveryState, reason::Code},
    milestone::MilestoneStatus,
    project::ProjectStatus,
    run::RunState,
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

/// The statuses of a session: those of `view.rs`.
const SESSION_STATUS: [&str; 6] = [
    "none",
    "starting",
    "running",
    "exited",
    "hibernated",
    "unreachable",
];

/// Fields of answers with few words: schema, field, words. Programs get types from them.
fn words() -> Vec<(&'static str, &'static str, Vec<Value>)> {
    let agent_state = of(&AgentState::ALL);
    let milestone = of(&MilestoneStatus::ALL);
    let role = of(&Role::ALL);
    let session = of(&SESSION_STATUS);
    let files = of(&["added", "modified", "deleted", "type_changed"]);
    let asks = of(&["permission", "question", "dialog"]);
    let reason = of(&Code::ALL.map(Code::as_str));
    vec![
        ("AskView", "kind", asks),
        ("CallerView", "role", role.clone()),
        ("ChangedFile", "status", files),
        ("CredentialView", "role", role),
        ("DeliveryView", "error_code", reason),
        ("DeliveryView", "state", of(&DeliveryState::ALL)),
        ("MilestoneSummary", "status", milestone.clone()),
        ("MilestoneView", "status", milestone),
        ("ProjectView", "status", of(&ProjectStatus::ALL)),
        ("RunView", "state", of(&RunState::ALL)),
        ("SessionSummary", "agent_state", agent_state.clone()),
        ("SessionSummary", "status", session.clone()),
        ("SessionView", "agent_state", agent_state),
        ("SessionView", "status", session),
    ]
}

/// The words of values, as answers have them.
fn of(values: &[impl Serialize]) -> Vec<Value> {
    let words = values.iter().map(serde_json::to_value);
    words.filter_map(Result::ok).collect()
}

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
    let all_words = words();
    let schemas = document.components.iter_mut();
    for (of, schema) in schemas.flat_map(|components| components.schemas.iter_mut()) {
        if let RefOr::T(Schema::Object(schema)) = schema {
            for (name, field) in &mut schema.properties {
                if let RefOr::T(Schema::Object(field)) = field {
                    resolve(field);
                    let known = all_words
                        .iter()
                        .find(|(in_, at, _)| in_ == of && at == name);
                    if let Some((_, _, words)) = known {
                        let null = is_nullable(field).then_some(Value::Null);
                        field.enum_values = Some(words.iter().cloned().chain(null).collect());
                    }
                }
            }
        }
    }
}

fn is_nullable(field: &Object) -> bool {
    match &field.schema_type {
        SchemaType::Array(types) => types.contains(&Type::Null),
        _ => false,
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
        for (schema, field, words) in super::words() {
            let described = &document["components"]["schemas"][schema]["properties"][field]["enum"];
            let mut described = described.as_array().cloned().unwrap_or_default();
            described.retain(|word| !word.is_null());
            assert_eq!(described, words, "{schema}.{field}");
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
