//! Parses `UAT.md`, the result of a user's acceptance test.

use super::{
    Uat,
    markdown::{body, cut, field, front_matter, lines},
};

/// Parses a `UAT.md`: its state, and the results of its tests.
pub(super) fn parse(text: &str) -> Uat {
    let status = front_matter(text)
        .into_iter()
        .find(|(key, _)| key == "status")
        .and_then(|(_, value)| cut(&value));
    let mut uat = Uat {
        status,
        ..Uat::default()
    };
    for (key, value) in lines(body(text)).filter_map(field) {
        if key != "result" {
            continue;
        }
        let word = value.trim_matches(['[', ']', '`', '*', ' ']);
        match word.to_ascii_lowercase().as_str() {
            "pass" | "passed" => uat.passed += 1,
            "issue" => uat.issues += 1,
            "skipped" => uat.skipped += 1,
            // Empty, or a half-written word.
            _ => uat.pending += 1,
        }
    }
    uat
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_counted() {
        let uat = parse(
            "---\nstatus: testing\nphase: 03-api\n---\n## Tests\n\n### 1. Log in\nexpected: a page\nresult: pass\n\n\
             ### 2. Log out\n**result:** issue\nreported: \"no page\"\n\n### 3. Stay\nresult: [pending]\n\n### 4. Leave\nresult: skipped\n\
             reason: later\n\n### 5. Half\nresult: pa",
        );
        let expected = Uat {
            status: Some("testing".to_owned()),
            passed: 1,
            issues: 1,
            skipped: 1,
            pending: 2,
        };
        assert_eq!(uat, expected);
        assert_eq!(parse(""), Uat::default());
    }
}
