//! The OpenAPI document's forms of texts: the patterns behind the names in braces.

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

/// Gives the fields of all bodies their patterns.
pub(super) fn describe_schemas(document: &mut OpenApi) {
    let schemas = document.components.iter_mut();
    for schema in schemas.flat_map(|components| components.schemas.values_mut()) {
        if let RefOr::T(Schema::Object(schema)) = schema {
            for field in schema.properties.values_mut() {
                if let RefOr::T(Schema::Object(field)) = field {
                    resolve(field);
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
    fn every_named_pattern_is_resolved() {
        let text = serde_json::to_string(&openapi()).unwrap();
        assert!(!text.contains(r#""pattern":"{"#), "{text}");
        assert!(text.contains(r#""pattern":"^[0-9A-Fa-f]{24}$""#));
    }
}
