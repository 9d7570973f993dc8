//! Knows the words, signs and notes that roadmaps use for a phase and its state.

/// "Phase", in lower case, in the languages that agents write.
const PHASE: [&str; 24] = [
    "phase",
    "fase",
    "fas",
    "faza",
    "fază",
    "fáze",
    "fáza",
    "fázis",
    "etapa",
    "etap",
    "étape",
    "vaihe",
    "aşama",
    "faz",
    "tahap",
    "фаза",
    "этап",
    "етап",
    "φάση",
    "フェーズ",
    "阶段",
    "階段",
    "단계",
    "페이즈",
];
/// Other names for a part of the work; a reader may mean phases by them.
const PART: [&str; 9] = [
    "stage",
    "step",
    "sprint",
    "iteration",
    "part",
    "schritt",
    "paso",
    "passo",
    "milestone",
];
/// Numerals in words, up to the length of a usual roadmap.
const NUMERALS: [&str; 12] = [
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve",
];
const DONE_SIGNS: [char; 6] = ['✅', '✔', '☑', '✓', '🏁', '🎉'];
const OPEN_SIGNS: [char; 22] = [
    '🚧', '🔄', '⏳', '⌛', '📋', '🔜', '⬜', '☐', '◻', '🟡', '🔵', '⚪', '⭕', '❌', '⏸', '🟠',
    '🔴', '○', '◯', '◐', '🔨', '📝',
];
/// Words for a finished phase, in lower case.
const DONE: [&str; 24] = [
    "completed",
    "complete",
    "done",
    "shipped",
    "finished",
    "delivered",
    "released",
    "closed",
    "erledigt",
    "abgeschlossen",
    "fertig",
    "completada",
    "completado",
    "concluída",
    "concluído",
    "terminée",
    "terminé",
    "completata",
    "completato",
    "voltooid",
    "выполнено",
    "завершено",
    "已完成",
    "完了",
];
/// Words for an unfinished phase, in lower case.
const OPEN: [&str; 26] = [
    "in progress",
    "not started",
    "pending",
    "planned",
    "todo",
    "wip",
    "next",
    "current",
    "active",
    "deferred",
    "blocked",
    "tbd",
    "ready",
    "upcoming",
    "future",
    "paused",
    "in arbeit",
    "geplant",
    "offen",
    "en curso",
    "pendiente",
    "em andamento",
    "pendente",
    "en cours",
    "进行中",
    "待定",
];
/// Last words of a count: `4/4 plans`, `3 plans complete`.
const COUNTED: [&str; 10] = [
    "plan", "plans", "complete", "executed", "done", "tasks", "pläne", "planes", "planos", "phases",
];
/// Closing notes that say nothing of the state.
const LABELS: [&str; 4] = ["inserted", "backlog", "eingefügt", "new"];

/// Splits a leading word from a text, without regard to case; `word` is in lower case.
fn strip<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let mut characters = text.chars();
    for expected in word.chars() {
        let mut lower = characters.next()?.to_lowercase();
        if lower.next() != Some(expected) || lower.next().is_some() {
            return None;
        }
    }
    Some(characters.as_str())
}

/// The text after a leading word for a phase.
pub(super) fn after_phase(text: &str) -> Option<&str> {
    after(text, &PHASE)
}

/// The text after another word for a part of the work.
pub(super) fn after_part(text: &str) -> Option<&str> {
    after(text, &PART)
}

fn after<'a>(text: &'a str, words: &[&str]) -> Option<&'a str> {
    words.iter().find_map(|word| {
        strip(text, word).filter(|rest| !rest.starts_with(|next: char| next.is_alphabetic()))
    })
}

/// Whether a text is a word for a phase, alone or in the plural.
pub(super) fn is_phase(text: &str) -> bool {
    let singular = text.trim_end_matches(['s', 'n', 'S', 'N']);
    [text, singular]
        .iter()
        .any(|text| after_phase(text).is_some_and(str::is_empty))
}

/// Whether a text begins like a phase's number in a form that is none: `One`, `IV`, `A`, `1.1.1`.
pub(super) fn is_numeral(text: &str) -> bool {
    let end = text
        .find(|character: char| !character.is_alphanumeric())
        .unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let ends = rest
        .trim_start()
        .chars()
        .next()
        .is_none_or(|next| [':', '：', '-', '–', '—', '.', ')', '|', '*'].contains(&next));
    let lower = word.to_lowercase();
    word.starts_with(|first: char| first.is_numeric())
        || ends
            && !word.is_empty()
            && (NUMERALS.contains(&lower.as_str())
                || word.chars().count() == 1
                || word.bytes().all(|byte| b"IVXLC".contains(&byte)))
}

/// The state that a sign stands for; `None` for another character.
pub(super) fn sign(character: char) -> Option<bool> {
    if DONE_SIGNS.contains(&character) {
        Some(true)
    } else {
        OPEN_SIGNS.contains(&character).then_some(false)
    }
}

/// The state that a cell or a heading's end tells: by a sign, or a word at its beginning.
pub(super) fn state(text: &str) -> Option<bool> {
    if let Some(told) = text.chars().find_map(sign) {
        return Some(told);
    }
    let text = text.trim_start_matches(|first: char| !first.is_alphanumeric());
    if begins(text, &OPEN) {
        return Some(false);
    }
    begins(text, &DONE).then_some(true)
}

fn begins(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| {
        strip(text, word).is_some_and(|rest| !rest.starts_with(|next: char| next.is_alphabetic()))
    })
}

/// Reads a note after a name: `None` for other text, else the state in the note, if any.
fn note(text: &str) -> Option<Option<bool>> {
    let text = text.trim_matches(|around: char| {
        around.is_whitespace() || ['*', '_', '`', '~', '\u{fe0f}'].contains(&around)
    });
    let signed = text.chars().find_map(sign);
    let text = text.trim_matches(|around: char| !around.is_alphanumeric());
    if text.is_empty() {
        return signed.map(Some);
    }
    let lower = text.to_lowercase();
    if LABELS.contains(&lower.as_str()) {
        return Some(signed);
    }
    // A sentence may begin with such a word: "Complete rewrite" is a name, "done 2026-01-24" none.
    let is_bare = |word: &str| {
        lower.strip_prefix(word).is_some_and(|rest| {
            rest.is_empty()
                || !rest.starts_with(char::is_alphabetic)
                    && rest.contains(|character: char| character.is_ascii_digit())
        })
    };
    if DONE.iter().any(|word| is_bare(word)) {
        return Some(signed.or(Some(true)));
    }
    if OPEN.iter().any(|word| is_bare(word)) {
        return Some(signed.or(Some(false)));
    }
    let first_letter = lower.find(char::is_alphabetic).unwrap_or(lower.len());
    let (count, words) = lower.split_at(first_letter);
    let counted = count.starts_with(|first: char| first.is_ascii_digit())
        && count
            .chars()
            .all(|one| one.is_ascii_digit() || "/-.: %".contains(one))
        && words.split_whitespace().all(|word| COUNTED.contains(&word));
    let date_or_part = count.contains(['/', '-', '%']);
    (counted && (date_or_part || !words.is_empty())).then_some(signed)
}

/// Most notes removed after a name.
const NOTES_MAX: usize = 6;

/// Removes the notes after a name, as in `Name (4/4 plans) -- completed 2026-02-28`. Returns the
/// name, and the state in the notes: `true` for done.
pub(super) fn without_notes(name: &str) -> (&str, Option<bool>) {
    let mut name = name;
    let mut told = None;
    for _ in 0..NOTES_MAX {
        name = name.trim_end_matches(|last: char| last.is_whitespace() || last == '\u{fe0f}');
        let last = name.chars().next_back();
        if let Some((last, state)) = last.and_then(|last| Some((last, sign(last)?))) {
            told = told.or(Some(state));
            name = &name[..name.len() - last.len_utf8()];
            continue;
        }
        let open = match last {
            Some(')') => name.rfind('('),
            Some(']') => name.rfind('['),
            Some('*' | '_') => name.rfind("*(").or_else(|| name.rfind("_(")),
            _ => SEPARATORS.iter().filter_map(|one| name.rfind(one)).max(),
        };
        let Some((at, state)) = open.and_then(|at| Some((at, note(&name[at..])?))) else {
            break;
        };
        told = told.or(state);
        name = &name[..at];
    }
    (name, told)
}

/// Separators between a name and a remark.
pub(super) const SEPARATORS: [&str; 6] = [" - ", " – ", " — ", " -- ", " | ", " → "];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_after_a_name_are_removed() {
        for (text, name, told) in [
            (
                "Name (4/4 plans) -- completed 2026-02-28",
                "Name",
                Some(true),
            ),
            ("Name (INSERTED)", "Name", None),
            ("Name (and more) ✅", "Name (and more)", Some(true)),
            ("Name — COMPLETE", "Name", Some(true)),
            ("Name - Complete rewrite", "Name - Complete rewrite", None),
            ("Name *(in progress)*", "Name", Some(false)),
            ("Name [DONE]", "Name", Some(true)),
            ("Name (2026-02-28)", "Name", None),
            ("Name (3 plans)", "Name", None),
            ("Name — 2FA", "Name — 2FA", None),
            ("Name (v2)", "Name (v2)", None),
            ("✅", "", Some(true)),
        ] {
            let (found, state) = without_notes(text);
            assert_eq!((found.trim(), state), (name, told), "{text}");
        }
    }

    #[test]
    fn states_are_words_or_signs() {
        for (text, told) in [
            ("✅ Complete", Some(true)),
            ("Complete", Some(true)),
            ("**Done** 2026-01-24", Some(true)),
            ("Not started", Some(false)),
            ("🚧", Some(false)),
            ("Incomplete", None),
            ("-", None),
            ("2026-01-24", None),
        ] {
            assert_eq!(state(text), told, "{text}");
        }
    }
}
