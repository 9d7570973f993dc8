use super::*;

const LINES: [&str; 3] = [
    "{\"uuid\":\"a\",\"text\":\"the first words\"}\n",
    "{\"uuid\":\"b\",\"text\":\"the second words\"}\n",
    "{\"uuid\":\"c\",\"text\":\"the third words\"}\n",
];

struct Copied {
    _root: tempfile::TempDir,
    copy: PathBuf,
    whole: String,
}

impl Copied {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let copy = root.path().join("a.jsonl");
        let whole = LINES.concat();
        fs::write(&copy, &whole).unwrap();
        extend(&copy).unwrap();
        Self {
            _root: root,
            copy,
            whole,
        }
    }

    fn flip(&self, path: &Path, at: usize) {
        let mut bytes = fs::read(path).unwrap();
        bytes[at] ^= 1;
        fs::write(path, bytes).unwrap();
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.copy).unwrap()
    }
}

#[test]
fn every_flipped_byte_is_mended() {
    let copied = Copied::new();
    assert_eq!(verify(&copied.copy, None).unwrap(), Damage::default());
    let transcript = copied.copy.with_extension("transcript");
    fs::write(&transcript, &copied.whole).unwrap();
    for at in 0..copied.whole.len() {
        copied.flip(&copied.copy, at);
        let mut file = File::open(&transcript).unwrap();
        let damage = verify(&copied.copy, Some(&mut file)).unwrap();
        assert_eq!((damage.mended, damage.lost), (1, 0), "byte {at}");
        assert_eq!(copied.text(), copied.whole, "byte {at}");
    }
}

#[test]
fn a_lost_entry_is_marked_in_its_place() {
    let copied = Copied::new();
    copied.flip(&copied.copy, LINES[0].len() + 5);
    let damage = verify(&copied.copy, None).unwrap();
    assert_eq!((damage.mended, damage.lost), (0, 1));
    let text = copied.text();
    assert_eq!(text.len(), copied.whole.len());
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    assert_eq!((lines[0], lines[2]), (LINES[0], LINES[2]));
    let entry: serde_json::Value = serde_json::from_str(lines[1]).unwrap();
    assert_eq!(entry["type"], LOST);
    assert_eq!(verify(&copied.copy, None).unwrap(), Damage::default());
}

#[test]
fn a_damaged_record_costs_no_line() {
    let copied = Copied::new();
    let records = sums(&copied.copy);
    for at in 0..RECORD * 3 {
        copied.flip(&records, at);
        assert_eq!(verify(&copied.copy, None).unwrap(), Damage::default());
        assert_eq!(copied.text(), copied.whole, "byte {at}");
        assert_eq!(fs::metadata(&records).unwrap().len() as usize, RECORD * 3);
    }
}

#[test]
fn checksums_go_on_at_their_end() {
    let copied = Copied::new();
    let len = || fs::metadata(sums(&copied.copy)).unwrap().len() as usize;
    let size = |text: &str| text.len() as u64;
    let mut end = extend(&copied.copy).unwrap();
    let mut whole = copied.whole.clone();
    for line in LINES {
        let mut appended = Appended::after(&copied.copy, Some(end), size(&whole)).unwrap();
        appended.add(line.as_bytes());
        whole.push_str(line);
        fs::write(&copied.copy, &whole).unwrap();
        appended.write().unwrap();
        end = appended.end();
    }
    assert_eq!((end.lines, end.bytes), (6, size(&whole)));
    assert_eq!(len(), 6 * RECORD);
    assert!(!is_damaged(&copied.copy).unwrap());
    // Another writer has removed them meanwhile.
    forget(&copied.copy).unwrap();
    let again = Appended::after(&copied.copy, Some(end), size(&whole)).unwrap();
    assert_eq!((again.end(), len()), (end, 6 * RECORD));
    // A step that failed leaves none.
    let before = end;
    let mut failed = Appended::after(&copied.copy, Some(end), size(&whole)).unwrap();
    failed.add(b"not in the copy\n");
    failed.write().unwrap();
    failed.cut(before).unwrap();
    assert_eq!(len(), 6 * RECORD);
    copied.flip(&copied.copy, 5);
    assert!(is_damaged(&copied.copy).unwrap());
}

#[test]
fn another_copy_mends_what_it_has() {
    let copied = Copied::new();
    let other = copied.copy.with_extension("other");
    fs::write(&other, LINES[1]).unwrap();
    copied.flip(&copied.copy, 5);
    copied.flip(&copied.copy, LINES[0].len() + 5);
    let mut other = File::open(&other).unwrap();
    assert_eq!(mend(&copied.copy, &mut other).unwrap(), 1);
    assert!(copied.text().ends_with(&LINES[1..].concat()));
    let damage = verify(&copied.copy, None).unwrap();
    assert_eq!((damage.mended, damage.lost), (0, 1));
}

#[test]
fn a_cut_copy_is_filled() {
    let copied = Copied::new();
    let transcript = copied.copy.with_extension("transcript");
    fs::write(&transcript, &copied.whole).unwrap();
    let cut = LINES[0].len() + 3;
    let file = OpenOptions::new().write(true).open(&copied.copy).unwrap();
    file.set_len(cut as u64).unwrap();
    let mut file = File::open(&transcript).unwrap();
    let damage = verify(&copied.copy, Some(&mut file)).unwrap();
    assert_eq!((damage.mended, damage.lost), (2, 0));
    assert_eq!(copied.text(), copied.whole);
}
