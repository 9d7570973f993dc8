//! The printed text: lines of 101 bytes with colours and some UTF-8, like the output of a build.

/// Bytes of a line, including CR LF.
pub const LINE: usize = 101;
/// Lines of a block; the agent writes a block at a time, 63 KiB.
pub const BLOCK: usize = 640;

/// The number of lines for at least this many MiB.
#[must_use]
pub const fn lines_of_mib(mib: usize) -> usize {
    (mib << 20).div_ceil(LINE)
}

/// A block; longer text repeats the block.
#[must_use]
pub fn block() -> Vec<u8> {
    let mut block = Vec::with_capacity(LINE * BLOCK);
    for i in 0..BLOCK {
        let color = 31 + i % 6;
        let start = block.len();
        block.extend_from_slice(
            format!(
                "\x1b[{color}m{i:08}\x1b[0m compiling \x1b[1mcrate-{}\x1b[0m in src/módulo/sessão.rs: ✔ 12 warnings ",
                i % 50
            )
            .as_bytes(),
        );
        block.resize(start + LINE - 2, b'.');
        block.extend_from_slice(b"\r\n");
    }
    block
}

/// The pieces of a text with this many lines.
pub fn pieces(block: &[u8], lines: usize) -> impl Iterator<Item = &[u8]> {
    let bytes = lines * LINE;
    (0..bytes)
        .step_by(block.len())
        .map(move |at| &block[..block.len().min(bytes - at)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_consist_of_equal_text_lines() {
        let block = block();
        let text = std::str::from_utf8(&block).unwrap();
        let lines: Vec<&str> = text.split_inclusive("\r\n").collect();
        assert_eq!(lines.len(), BLOCK);
        assert!(lines.iter().all(|line| line.len() == LINE));
    }

    #[test]
    fn pieces_add_up_to_the_text() {
        let block = block();
        for lines in [1, BLOCK, BLOCK + 1, 2000] {
            let sum: usize = pieces(&block, lines).map(<[u8]>::len).sum();
            assert_eq!(sum, lines * LINE);
        }
    }
}
