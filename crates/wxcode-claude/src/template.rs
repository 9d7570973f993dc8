//! Parses and fills the configured commands for milestones.

/// The placeholders of a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placeholder {
    ContextPath,
    ElementName,
    MilestoneId,
}

impl Placeholder {
    const ALL: [(&'static str, Self); 3] = [
        ("context_path", Self::ContextPath),
        ("element_name", Self::ElementName),
        ("milestone_id", Self::MilestoneId),
    ];
}

/// The values for the placeholders.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a> {
    /// `{context_path}`: the milestone's context file, relative to the workspace.
    pub context_path: &'a str,
    /// `{element_name}`: the element converted by the milestone.
    pub element_name: &'a str,
    /// `{milestone_id}`: the milestone's id.
    pub milestone_id: &'a str,
}

/// A checked command such as `/gsd:new-project {context_path}`. `{{` and `}}` are literal braces.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Value(Placeholder),
}

/// The reason to reject a text as a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The template is empty.
    #[error("the command is empty: write one such as \"/gsd:new-project {{context_path}}\"")]
    Empty,
    /// An unknown name in braces.
    #[error(
        "{{{0}}} is no placeholder: use {{context_path}}, {{element_name}} or {{milestone_id}}, or {{{{ for a literal brace"
    )]
    Unknown(String),
    /// A brace without its partner.
    #[error("a brace at byte {0} has no partner: write {{{{ or }}}} for a literal brace")]
    Unbalanced(usize),
    /// A control character.
    #[error("the command has a control character at byte {0}: remove it")]
    Control(usize),
}

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    /// The text is empty, or has a control character, an unknown placeholder or a brace without its
    /// partner.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if text.trim().is_empty() {
            return Err(TemplateError::Empty);
        }
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut chars = text.char_indices();
        while let Some((at, c)) = chars.next() {
            let doubled = chars.as_str().starts_with(c);
            match c {
                '{' | '}' if doubled => {
                    literal.push(c);
                    chars.next();
                }
                '{' => {
                    let (name, _) = chars
                        .as_str()
                        .split_once('}')
                        .ok_or(TemplateError::Unbalanced(at))?;
                    let (_, placeholder) = Placeholder::ALL
                        .into_iter()
                        .find(|(known, _)| *known == name)
                        .ok_or_else(|| TemplateError::Unknown(name.to_owned()))?;
                    parts.push(Part::Literal(std::mem::take(&mut literal)));
                    parts.push(Part::Value(placeholder));
                    chars.nth(name.chars().count());
                }
                '}' => return Err(TemplateError::Unbalanced(at)),
                c if c.is_control() => return Err(TemplateError::Control(at)),
                c => literal.push(c),
            }
        }
        parts.push(Part::Literal(literal));
        Ok(Self(parts))
    }

    /// Returns the command. Control characters in the values, line ends too, become spaces: a
    /// command is one line.
    #[must_use]
    pub fn render(&self, values: &Values<'_>) -> String {
        self.0
            .iter()
            .map(|part| match part {
                Part::Literal(text) => text.clone(),
                Part::Value(placeholder) => {
                    let value = match placeholder {
                        Placeholder::ContextPath => values.context_path,
                        Placeholder::ElementName => values.element_name,
                        Placeholder::MilestoneId => values.milestone_id,
                    };
                    value
                        .chars()
                        .map(|c| if c.is_control() { ' ' } else { c })
                        .collect()
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const VALUES: Values<'_> = Values {
        context_path: ".milestones/1/MILESTONE-CONTEXT.md",
        element_name: "A {b}\nc",
        milestone_id: "1",
    };

    fn rendered(text: &str) -> String {
        Template::parse(text).unwrap().render(&VALUES)
    }

    #[test]
    fn placeholders_are_filled_in() {
        assert_eq!(
            rendered("/gsd:new-project {context_path}"),
            "/gsd:new-project .milestones/1/MILESTONE-CONTEXT.md"
        );
        assert_eq!(rendered("{milestone_id}{milestone_id}"), "11");
        assert_eq!(
            rendered("x {element_name} y"),
            "x A {b} c y",
            "a value is one line and no template"
        );
        assert_eq!(rendered("{{context_path}} {{}}"), "{context_path} {}");
        assert_eq!(rendered("é {milestone_id} 日"), "é 1 日");
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            ("", TemplateError::Empty),
            ("  ", TemplateError::Empty),
            (
                "/x {contxt_path}",
                TemplateError::Unknown("contxt_path".into()),
            ),
            ("/x {}", TemplateError::Unknown(String::new())),
            ("/x {context_path", TemplateError::Unbalanced(3)),
            ("/x context_path}", TemplateError::Unbalanced(15)),
            ("/x\n", TemplateError::Control(2)),
            ("/x \u{1b}[201~", TemplateError::Control(3)),
        ];
        for (text, error) in cases {
            assert_eq!(Template::parse(text), Err(error), "{text:?}");
        }
        let message = TemplateError::Unknown("x".into()).to_string();
        assert!(
            message.contains("{x} is no placeholder: use {context_path}"),
            "{message}"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_a_template_or_an_error(text: String) {
            if let Ok(template) = Template::parse(&text) {
                prop_assert!(!template.render(&VALUES).contains(|c: char| c.is_control()));
            }
        }
    }
}
