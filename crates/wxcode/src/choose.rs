//! The project that a text on the command line names.

use anyhow::bail;
use wxcode_client::Project;

use crate::output::plain;

/// Projects that an error lists.
const SHOWN_MAX: usize = 10;
/// Similar names that an error suggests.
const SIMILAR_MAX: usize = 3;

/// The project with this id or name; failing that the only one whose id or name begins so.
pub(crate) fn choose(mut all: Vec<Project>, text: &str) -> anyhow::Result<Project> {
    let is = |project: &Project| project.id == text || project.name == text;
    let begins = |project: &Project| {
        !text.is_empty() && (project.id.starts_with(text) || project.name.starts_with(text))
    };
    let fits: &dyn Fn(&Project) -> bool = match all.iter().any(is) {
        true => &is,
        false => &begins,
    };
    let found: Vec<&Project> = all.iter().filter(|project| fits(project)).collect();
    match found[..] {
        [] => bail!("{}", unknown(&all, text)),
        [_] => {}
        _ => bail!("{}", ambiguous(&found, text)),
    }
    all.retain(fits);
    all.pop().ok_or_else(|| anyhow::anyhow!("no project"))
}

fn ambiguous(found: &[&Project], text: &str) -> String {
    let shown = found.iter().take(SHOWN_MAX);
    let lines: String = shown
        .map(|project| format!("\n  {}  {}", project.id, plain(&project.name)))
        .collect();
    let more = match found.len().checked_sub(SHOWN_MAX) {
        None | Some(0) => String::new(),
        Some(more) => format!("\n  and {more} more: `wxcode ls` lists them"),
    };
    let count = found.len();
    format!("`{text}` names {count} projects: name one by more letters or its id{lines}{more}")
}

fn unknown(all: &[Project], text: &str) -> String {
    let similar = similar(all, text);
    let suggestion = match &similar[..] {
        [] => String::new(),
        [only] => format!("did you mean `{only}`? "),
        several => format!("did you mean one of `{}`? ", several.join("`, `")),
    };
    format!("there is no project `{text}`: {suggestion}`wxcode ls` lists the projects")
}

/// Names within a third of their letters, or with the text in another case or within.
fn similar(all: &[Project], text: &str) -> Vec<String> {
    let wanted = text.to_lowercase();
    if wanted.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<(usize, String)> = Vec::new();
    for project in all {
        let name = project.name.to_lowercase();
        let distance = match name.contains(&wanted) {
            true => 0,
            false => strsim::damerau_levenshtein(&name, &wanted),
        };
        let longest = name.chars().count().max(wanted.chars().count());
        if distance <= (longest / 3).max(1) {
            found.push((distance, plain(&project.name)));
        }
    }
    found.sort();
    found.dedup();
    let nearest = found.into_iter().take(SIMILAR_MAX);
    nearest.map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> anyhow::Result<String> {
        let all = [
            ("aa11", "shop"),
            ("aa22", "shop-two"),
            ("bb33", "site"),
            ("cc44", "aa11"),
            ("dd55", "twin"),
            ("ee66", "twin"),
        ];
        let project = |(id, name): (&str, &str)| -> Project {
            serde_json::from_value(serde_json::json!({
                "id": id, "name": name, "workspace_path": "/w", "status": "created",
                "created_at": "", "updated_at": "",
            }))
            .unwrap()
        };
        Ok(choose(all.map(project).into(), text)?.id)
    }

    #[test]
    fn an_exact_name_or_id_goes_before_a_beginning() {
        assert_eq!(id("shop").unwrap(), "aa11");
        assert_eq!(id("bb33").unwrap(), "bb33");
        assert_eq!(id("shop-").unwrap(), "aa22");
        assert_eq!(id("si").unwrap(), "bb33");
        assert_eq!(id("aa2").unwrap(), "aa22");
    }

    #[test]
    fn ambiguous_texts_list_the_candidates() {
        for (text, several) in [("twin", "ee66"), ("aa11", "cc44"), ("s", "bb33  site")] {
            let error = id(text).unwrap_err().to_string();
            assert!(error.contains(several), "{error}");
        }
    }

    #[test]
    fn unknown_names_suggest_similar_ones() {
        for (text, suggestion) in [
            ("shp", "did you mean `shop`?"),
            ("Shop-Two", "did you mean `shop-two`?"),
            ("hop", "`shop`, `shop-two`"),
            ("siet", "did you mean `site`?"),
        ] {
            let error = id(text).unwrap_err().to_string();
            assert!(error.contains(suggestion), "{text}: {error}");
        }
        for none in ["xyz123", ""] {
            let error = id(none).unwrap_err().to_string();
            assert!(error.contains("wxcode ls"), "{error}");
            assert!(!error.contains("did you mean"), "{error}");
        }
    }
}
