//! A ring buffer of the newest bytes of a stream, addressed by absolute offset.

/// A bounded buffer of the newest bytes of a stream.
///
/// Every byte keeps its absolute offset in the stream. Beyond the capacity the oldest bytes are
/// dropped. Memory grows with the stream, up to the capacity.
///
/// ```
/// use wxcode_terminal::Ring;
///
/// let mut ring = Ring::with_capacity(4);
/// ring.push(b"abcdef");
/// assert_eq!((ring.start(), ring.end()), (2, 6));
/// assert_eq!(ring.read(3, 16), Some(&b"d"[..]));
/// assert_eq!(ring.read(4, 16), Some(&b"ef"[..]));
/// assert_eq!(ring.read(0, 16), None);
/// ```
#[derive(Debug)]
pub struct Ring {
    /// The byte at offset `o` is at `o % capacity`; shorter than `capacity` until the first wrap.
    buf: Vec<u8>,
    capacity: usize,
    end: u64,
    /// The offset of the oldest byte, for a continued ring with fewer received bytes than room.
    floor: u64,
}

impl Ring {
    /// The first allocation, in bytes; the buffer doubles from there.
    const FIRST_ALLOCATION: usize = 4 << 10; // 4 KiB

    /// Creates an empty ring buffer at offset 0 for the newest `bytes` bytes (at least one).
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            buf: Vec::new(),
            capacity: bytes.max(1),
            end: 0,
            floor: 0,
        }
    }

    /// Continues another ring buffer at offset `end`, after the bytes `newest`; keeps as many of
    /// the bytes as the new buffer holds. Of more bytes than the stream ever had only the newest
    /// count.
    pub fn continued(bytes: usize, end: u64, newest: &[u8]) -> Self {
        let mut ring = Self::with_capacity(bytes);
        let most = usize::try_from(end)
            .unwrap_or(usize::MAX)
            .min(ring.capacity);
        let newest = newest
            .get(newest.len().saturating_sub(most)..)
            .unwrap_or_default();
        // All positions up to the end must exist, also the positions of unknown bytes.
        ring.buf = vec![0; most];
        ring.end = end - newest.len() as u64;
        ring.push(newest);
        ring.floor = end - newest.len() as u64;
        ring
    }

    /// All held bytes, in their two contiguous pieces.
    pub fn held(&self) -> [&[u8]; 2] {
        let first = self.read(self.start(), usize::MAX).unwrap_or_default();
        let second = self.read(self.start() + first.len() as u64, usize::MAX);
        [first, second.unwrap_or_default()]
    }

    /// Appends `bytes` to the stream; drops the oldest bytes beyond the capacity.
    pub fn push(&mut self, bytes: &[u8]) {
        let skipped = bytes.len().saturating_sub(self.capacity);
        let mut rest = bytes.get(skipped..).unwrap_or_default();
        if skipped > 0 {
            self.grow(self.capacity - self.buf.len());
            self.buf.resize(self.capacity, 0);
            self.end += skipped as u64;
        }
        while !rest.is_empty() {
            let at = self.position(self.end);
            let n = rest.len().min(self.capacity - at);
            let (now, later) = rest.split_at(n);
            // Appends at the end of a growing buffer, overwrites in a wrapped one.
            let over = n.min(self.buf.len() - at);
            self.buf[at..at + over].copy_from_slice(&now[..over]);
            self.grow(n - over);
            self.buf.extend_from_slice(&now[over..]);
            self.end += n as u64;
            rest = later;
        }
    }

    /// The offset of the oldest byte held.
    pub fn start(&self) -> u64 {
        let oldest = self.end - self.buf.len().min(self.capacity) as u64;
        oldest.max(self.floor)
    }

    /// The offset after the newest byte: the length of the stream so far.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Returns at most `max` bytes from offset `from` on, in one piece. The piece may be shorter
    /// than the available bytes, and is empty at the end. `None` when `from` is outside
    /// `start()..=end()`.
    pub fn read(&self, from: u64, max: usize) -> Option<&[u8]> {
        if from < self.start() || from > self.end {
            return None;
        }
        let held = usize::try_from(self.end - from).unwrap_or(usize::MAX);
        let at = self.position(from);
        let n = held.min(max).min(self.capacity - at);
        self.buf.get(at..at + n).or(Some(&[]))
    }

    fn position(&self, offset: u64) -> usize {
        (offset % self.capacity as u64) as usize
    }

    /// Makes room for `more` bytes, doubling without passing the capacity.
    fn grow(&mut self, more: usize) {
        let needed = self.buf.len() + more;
        if needed > self.buf.capacity() {
            let target = needed
                .max(2 * self.buf.capacity())
                .max(Self::FIRST_ALLOCATION)
                .min(self.capacity);
            self.buf.reserve_exact(target - self.buf.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rings_allocate_with_the_stream() {
        let mut ring = Ring::with_capacity(1 << 20);
        assert_eq!(ring.buf.capacity(), 0);
        ring.push(b"hello");
        assert!(ring.buf.capacity() <= 8 << 10);
        assert_eq!(ring.read(0, 99), Some(&b"hello"[..]));
    }

    #[test]
    fn offsets_outside_are_refused() {
        let mut ring = Ring::with_capacity(4);
        ring.push(b"abcdef");
        assert_eq!((ring.start(), ring.end()), (2, 6));
        assert_eq!(ring.read(1, 9), None);
        assert_eq!(ring.read(7, 9), None);
        assert_eq!(ring.read(6, 9), Some(&b""[..]));
    }

    proptest! {
        #[test]
        fn a_ring_is_the_tail_of_the_stream(
            capacity in 1usize..40,
            pushes in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..20),
            max in 1usize..30,
        ) {
            let mut ring = Ring::with_capacity(capacity);
            let mut stream = Vec::new();
            for bytes in &pushes {
                ring.push(bytes);
                stream.extend_from_slice(bytes);
                prop_assert_eq!(ring.end(), stream.len() as u64);
                prop_assert_eq!(ring.start(), stream.len().saturating_sub(capacity) as u64);
                prop_assert!(ring.buf.capacity() <= capacity);
                let mut at = ring.start();
                let mut seen = Vec::new();
                while at < ring.end() {
                    let piece = ring.read(at, max).unwrap_or_default();
                    prop_assert!(!piece.is_empty() && piece.len() <= max);
                    seen.extend_from_slice(piece);
                    at += piece.len() as u64;
                }
                prop_assert_eq!(&seen[..], &stream[ring.start() as usize..]);
            }
        }

        #[test]
        fn a_continued_ring_equals_the_original(
            capacity in 1usize..40,
            before in prop::collection::vec(any::<u8>(), 0..90),
            lost in 0usize..60,
            after in prop::collection::vec(any::<u8>(), 0..90),
        ) {
            let mut ring = Ring::with_capacity(capacity);
            ring.push(&before);
            let held = ring.held().concat();
            let known = &held[lost.min(held.len())..];
            let mut next = Ring::continued(capacity, ring.end(), known);
            prop_assert_eq!(next.start(), ring.end() - known.len() as u64);
            prop_assert_eq!(&next.held().concat()[..], known);
            let floor = next.start();
            for part in [&after[..after.len() / 2], &after[after.len() / 2..]] {
                ring.push(part);
                next.push(part);
                prop_assert_eq!(next.end(), ring.end());
                prop_assert_eq!(next.start(), ring.start().max(floor));
                let all = ring.held().concat();
                prop_assert!(all.ends_with(&next.held().concat()));
            }
        }
    }
}
