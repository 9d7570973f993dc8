//! The recordings in `corpora/`; the folder's `README.md` describes the files.

use std::path::PathBuf;

use wxcode_terminal::Size;

use crate::judge::Step;

/// The output of a program, and its sizes.
pub(crate) struct Recording {
    /// The size at the beginning.
    pub(crate) size: Size,
    pub(crate) stream: Vec<u8>,
    /// The later sizes, each with the offset of the size's first byte.
    sizes: Vec<(usize, Size)>,
}

impl Recording {
    /// The recording of this name.
    pub(crate) fn read(name: &str) -> Self {
        let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/corpora"));
        let (_, size) = name.rsplit_once('_').unwrap();
        let (cols, rows) = size.split_once('x').unwrap();
        let number = |word: &str| word.parse::<u16>().unwrap();
        let size = |cols: &str, rows: &str| Size::new(number(cols), number(rows)).unwrap();
        let later = std::fs::read_to_string(folder.join(format!("{name}.sizes")));
        let line = |line: &str| match *line.split(' ').collect::<Vec<_>>() {
            [offset, cols, rows] => (offset.parse().unwrap(), size(cols, rows)),
            _ => panic!("{name}.sizes: {line}"),
        };
        Self {
            size: size(cols, rows),
            stream: std::fs::read(folder.join(format!("{name}.bin"))).unwrap(),
            sizes: later.unwrap_or_default().lines().map(line).collect(),
        }
    }

    /// The names of all recordings of a program, in order.
    pub(crate) fn names(program: &str) -> Vec<String> {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/corpora");
        let files = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = files
            .filter_map(|file| {
                let name = file.unwrap().file_name().into_string().unwrap();
                name.strip_suffix(".bin").map(str::to_owned)
            })
            .collect();
        names.retain(|name| name.starts_with(program));
        names.sort();
        names
    }

    /// The steps from the offset `from` to the offset `to`; a size belongs to the bytes after the
    /// size.
    pub(crate) fn steps(&self, from: usize, to: usize) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut at = from;
        for (offset, size) in self.sizes.iter().filter(|(o, _)| (from..to).contains(o)) {
            steps.push(Step::Write(self.stream[at..*offset].to_vec()));
            steps.push(Step::Resize(size.cols, size.rows));
            at = *offset;
        }
        steps.push(Step::Write(self.stream[at..to].to_vec()));
        steps
    }

    /// The size at an offset, before the byte there.
    pub(crate) fn size_at(&self, at: usize) -> Size {
        let earlier = self.sizes.iter().rev().find(|(offset, _)| *offset < at);
        earlier.map_or(self.size, |(_, size)| *size)
    }
}
