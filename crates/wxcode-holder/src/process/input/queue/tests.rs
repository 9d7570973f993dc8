use super::*;

fn input(seq: u64) -> Origin {
    Origin::Input { client: 1, seq }
}

/// Types everything, in pieces; returns the typed bytes and the answered origins.
fn all(queue: &mut Queue, piece: usize) -> (Vec<u8>, Vec<Origin>) {
    let (mut bytes, mut told) = (Vec::new(), Vec::new());
    while let Some(next) = queue.next() {
        let n = next.len().min(piece);
        bytes.extend_from_slice(&next[..n]);
        told.extend(queue.typed(n));
    }
    assert_eq!(queue.bytes(), 0);
    (bytes, told)
}

#[test]
fn replies_go_between_messages() {
    let mut queue = Queue::default();
    queue.offer(input(1), Bytes::from_static(b"abc")).unwrap();
    queue.offer(input(2), Bytes::from_static(b"def")).unwrap();
    assert_eq!(queue.typed(1), None);
    queue.reply(&mut b"R".to_vec());
    assert_eq!(queue.next(), Some(&b"bc"[..]));
    assert_eq!(queue.typed(2), Some(input(1)));
    assert_eq!(queue.next(), Some(&b"R"[..]));
    assert_eq!(queue.typed(1), None);
    assert_eq!(queue.next(), Some(&b"def"[..]));
    assert_eq!(queue.typed(3), Some(input(2)));
    assert_eq!((queue.next(), queue.bytes()), (None, 0));
}

#[test]
fn replies_wait_for_the_end_of_a_paste() {
    let mut queue = Queue::default();
    for (seq, bytes) in [(1, "\x1b[200~one "), (2, "two\x1b[201~"), (3, "\r")] {
        queue.offer(input(seq), Bytes::from(bytes)).unwrap();
    }
    assert_eq!(queue.typed(10), Some(input(1)));
    queue.reply(&mut b"R".to_vec());
    assert_eq!(all(&mut queue, 4).0, b"two\x1b[201~R\r");
}

#[test]
fn excess_messages_are_returned() {
    let mut queue = Queue::default();
    let big = Bytes::from(vec![0; 4 << 20]);
    queue.offer(input(1), big.clone()).unwrap();
    assert_eq!(queue.offer(input(2), big), Err(input(2)));
    queue.offer(input(3), Bytes::from_static(b"x")).unwrap();
    assert_eq!(queue.drain(), vec![input(1), input(3)]);
}

#[test]
fn empty_messages_are_answered() {
    let mut queue = Queue::default();
    queue.offer(input(1), Bytes::new()).unwrap();
    assert_eq!(queue.next(), Some(&b""[..]));
    assert_eq!(queue.typed(0), Some(input(1)));
    assert_eq!(queue.next(), None);
}

fn interrupt(queue: &mut Queue, seq: u64) {
    let key = Bytes::from_static(INTERRUPT);
    queue.offer(input(seq), key).unwrap();
}

#[test]
fn interrupts_keep_their_place_while_read() {
    let mut queue = Queue::default();
    queue.offer(input(1), Bytes::from_static(b"abc")).unwrap();
    interrupt(&mut queue, 2);
    assert_eq!(all(&mut queue, 2).0, b"abc\x03");
    assert_eq!(queue.interrupts, 0);
}

#[test]
fn interrupts_overtake_waiting_input() {
    let paste = "\x1b[200~ação é 日本 x\x1b[201~";
    for typed in 0..paste.len() {
        let mut queue = Queue::default();
        queue.offer(input(1), Bytes::from(paste)).unwrap();
        queue.offer(input(2), Bytes::from_static(b"z")).unwrap();
        queue.typed(typed);
        interrupt(&mut queue, 3);
        queue.let_interrupts_overtake();
        queue.let_interrupts_overtake();
        let mut bytes = paste.as_bytes()[..typed].to_vec();
        let (rest, told) = all(&mut queue, 3);
        assert!(rest.iter().position(|b| *b == 3).unwrap() < 6 + 6, "soon");
        bytes.extend(rest);
        let text = String::from_utf8(bytes).expect("no character is torn");
        let place = |seq| told.iter().position(|origin| *origin == input(seq));
        assert_eq!(told.len(), 3);
        assert!(place(3) < place(2), "{told:?}");
        // The paste's end mark is not torn.
        let ending = typed + 6 > paste.len();
        assert_eq!(place(1) < place(3), ending, "{told:?} after {typed}");
        let whole = text
            .replace("\x1b[201~\x03\x1b[200~", "")
            .replace('\x03', "");
        assert_eq!(whole, format!("{paste}z"), "nothing of the paste is lost");
        let before = text.split('\x03').next().unwrap();
        let open = before.matches("\x1b[200~").count() - before.matches("\x1b[201~").count();
        assert_eq!(open, 0, "a key, not text: {text:?}");
    }
}

#[test]
fn interrupts_wait_for_a_half_typed_delivery() {
    let delivery = |key: &str| Origin::Delivery {
        client: 1,
        key: key.to_owned(),
    };
    let mut queue = Queue::default();
    let text = Bytes::from_static(b"\x1b[200~text\x1b[201~");
    queue.offer(delivery("a"), text.clone()).unwrap();
    queue.offer(delivery("b"), text).unwrap();
    queue.typed(8);
    interrupt(&mut queue, 1);
    interrupt(&mut queue, 2);
    queue.let_interrupts_overtake();
    let (bytes, told) = all(&mut queue, 100);
    assert_eq!(bytes, b"xt\x1b[201~\x03\x03\x1b[200~text\x1b[201~");
    let order = [delivery("a"), input(1), input(2), delivery("b")];
    assert_eq!(told, order);
}

#[test]
fn other_input_waits_for_the_lock() {
    let mut queue = Queue::default();
    assert!(queue.hold());
    queue.offer(input(1), Bytes::from_static(b"a")).unwrap();
    queue.offer(input(2), Bytes::from_static(b"b")).unwrap();
    assert_eq!(queue.next(), None);
    queue
        .offer_locked(input(9), Bytes::from_static(b"paste"))
        .unwrap();
    queue.reply(&mut b"R".to_vec());
    assert_eq!(
        queue.next(),
        Some(&b"R"[..]),
        "the agent is not kept waiting"
    );
    queue.typed(1);
    assert_eq!(queue.next(), Some(&b"paste"[..]));
    queue.typed(2);
    queue
        .offer_locked(input(10), Bytes::from_static(b"\r"))
        .unwrap();
    assert_eq!(queue.release(), [input(10)], "too late");
    assert_eq!(
        all(&mut queue, 9),
        (b"steab".to_vec(), vec![input(9), input(1), input(2)])
    );
}

#[test]
fn the_lock_waits_for_half_typed_input() {
    let mut queue = Queue::default();
    queue
        .offer(input(1), Bytes::from_static(b"\x1b[200~a"))
        .unwrap();
    assert!(!queue.hold());
    queue.typed(7);
    assert!(!queue.hold(), "their paste goes on");
    queue
        .offer(input(2), Bytes::from_static(b"\x1b[201~"))
        .unwrap();
    queue.typed(6);
    assert!(queue.hold());
}

#[test]
fn interrupts_follow_half_typed_locked_input() {
    let mut queue = Queue::default();
    assert!(queue.hold());
    queue.offer(input(1), Bytes::from_static(b"abc")).unwrap();
    let delivery = Bytes::from_static(b"\x1b[200~text\x1b[201~");
    queue.offer_locked(input(9), delivery).unwrap();
    queue.typed(8);
    interrupt(&mut queue, 2);
    assert!(queue.has_interrupt());
    assert_eq!(queue.release(), []);
    queue.let_interrupts_overtake();
    let (bytes, told) = all(&mut queue, 100);
    assert_eq!(bytes, b"xt\x1b[201~\x03abc");
    assert_eq!(told, [input(9), input(2), input(1)]);
}

#[test]
fn continued_input_is_typed_alike() {
    let paste = "\x1b[200~ação é 日本 x\x1b[201~";
    for typed in 0..paste.len() {
        let waiting = || {
            let mut queue = Queue::default();
            queue.offer(input(1), Bytes::from(paste)).unwrap();
            let delivery = Origin::Delivery {
                client: 1,
                key: "k".to_owned(),
            };
            queue.offer(delivery, Bytes::from_static(b"z")).unwrap();
            queue.typed(typed);
            interrupt(&mut queue, 3);
            queue.reply(&mut b"R".to_vec());
            queue
        };
        let (mut one, other) = (waiting(), waiting());
        let (kept, bytes) = other.waiting().unwrap();
        let mut other = Queue::continued(&kept, bytes);
        assert_eq!(other.waiting().unwrap().0, kept);
        assert_eq!(other.bytes(), one.bytes());
        one.let_interrupts_overtake();
        other.let_interrupts_overtake();
        let ((one, told), (other, heard)) = (all(&mut one, 3), all(&mut other, 3));
        assert_eq!(one, other);
        assert_eq!(told.len(), heard.len());
    }
    let mut locked = Queue::default();
    assert!(locked.hold());
    assert!(locked.waiting().is_none(), "the lock is held");
}

#[test]
fn interrupts_can_become_signals() {
    let mut queue = Queue::default();
    queue.offer(input(1), Bytes::from_static(b"abc")).unwrap();
    interrupt(&mut queue, 2);
    interrupt(&mut queue, 3);
    assert_eq!(queue.take_interrupts(), [input(2), input(3)]);
    assert_eq!(all(&mut queue, 9), (b"abc".to_vec(), vec![input(1)]));
}
