//! Parses `REQUIREMENTS.md`: its boxes and its traceability table.

use std::collections::BTreeMap;

use super::{
    REQUIREMENTS_MAX, Requirement, Requirements,
    markdown::{bold, cells, checkbox, cut, heading, lines},
    name::Number,
};

/// Longest id of a requirement, in bytes.
const ID_MAX: usize = 40;

/// The requirements in `REQUIREMENTS.md`.
pub(super) fn parse(text: &str) -> Requirements {
    let mut by_id: BTreeMap<String, Requirement> = BTreeMap::new();
    // Requirements in this section are not of the current milestone.
    let mut is_put_off = false;
    for line in lines(text) {
        if let Some((level, title)) = heading(line) {
            // The categories of a section have deeper headings.
            if level <= 2 {
                let title = title.to_ascii_lowercase();
                is_put_off = ["out of scope", "deferred", "future"]
                    .iter()
                    .any(|word| title.starts_with(word));
            }
        } else if is_put_off {
            continue;
        } else if let Some((ticked, text)) = checkbox(line) {
            let Some((found, rest)) = bold(text) else {
                continue;
            };
            if let Some(requirement) = id(found).and_then(|id| entry(&mut by_id, id)) {
                requirement.text = cut(rest.trim_start_matches([':', ' ']));
                requirement.complete |= ticked;
            }
        } else if let Some(cells) = cells(line)
            && let [name, phase, status, ..] = cells[..]
            && let Some(requirement) =
                id(name.trim_matches(['*', '`'])).and_then(|id| entry(&mut by_id, id))
        {
            requirement.phase = phase_in(phase);
            requirement.complete |= status.eq_ignore_ascii_case("complete");
            requirement.status = cut(status);
        }
    }
    Requirements {
        total: by_id.len(),
        complete: by_id.values().filter(|one| one.complete).count(),
        by_id,
    }
}

fn entry<'a>(
    by_id: &'a mut BTreeMap<String, Requirement>,
    id: &str,
) -> Option<&'a mut Requirement> {
    if by_id.len() == REQUIREMENTS_MAX && !by_id.contains_key(id) {
        return None;
    }
    Some(by_id.entry(id.to_owned()).or_default())
}

/// Parses an id such as `AUTH-01`: a category, a dash, a number.
pub(super) fn id(text: &str) -> Option<&str> {
    let (category, number) = text.rsplit_once('-')?;
    let good = text.len() <= ID_MAX
        && category.starts_with(|first: char| first.is_ascii_alphabetic())
        && category
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
        && number.starts_with(|first: char| first.is_ascii_digit())
        && number.bytes().all(|byte| byte.is_ascii_alphanumeric());
    good.then_some(text)
}

/// The number in `Phase 3`.
fn phase_in(cell: &str) -> Option<String> {
    let at = cell.find(|character: char| character.is_ascii_digit())?;
    Number::take(&cell[at..]).map(|(number, _)| number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const REQUIREMENTS: &str = "\
# Requirements: App
## v1 Requirements
### Authentication
- [x] **AUTH-01**: Log in
- [ ] **AUTH-02:** Log out
- [ ] **NO-ID**: not one
- [ ] **FOLD_A-03b**
## v2 Requirements
- **LATER-01**: Not yet
## Deferred to v2.1
### Settings
- [ ] **SET-01**: Choose
## Out of Scope
- [ ] **OUT-01**: Never
## Traceability
| Requirement | Phase | Status |
|---|---|---|
| AUTH-01 | Phase 1 | Pending |
| AUTH-02 | Phase 3.1 | Complete |
| `TABLE-07` | Phase 02 | In Progress
| OTHER-01 |
";

    #[test]
    fn boxes_and_the_table_are_joined() {
        let found = parse(REQUIREMENTS);
        let told: Vec<_> = found
            .by_id
            .iter()
            .map(|(id, one)| {
                (
                    id.as_str(),
                    one.text.as_deref(),
                    one.complete,
                    one.phase.as_deref(),
                    one.status.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("AUTH-01", Some("Log in"), true, Some("1"), Some("Pending")),
                (
                    "AUTH-02",
                    Some("Log out"),
                    true,
                    Some("3.1"),
                    Some("Complete")
                ),
                ("FOLD_A-03b", None, false, None, None),
                ("TABLE-07", None, false, Some("2"), Some("In Progress")),
            ]
        );
        assert_eq!((found.total, found.complete), (4, 2));
    }

    #[test]
    fn requirements_are_bounded() {
        let text: String = (0..REQUIREMENTS_MAX + 5)
            .map(|number| format!("- [x] **A-{number}**: x\n"))
            .collect();
        assert_eq!(parse(&text).total, REQUIREMENTS_MAX);
    }
}
