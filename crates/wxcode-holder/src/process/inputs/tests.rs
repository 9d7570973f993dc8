use super::*;

fn input(seq: u64) -> Origin {
    Origin::Input { client: 1, seq }
}

/// Types everything, in pieces; returns the typed bytes and the answered origins.
fn all(inputs: &mut Inputs, piece: usize) -> (Vec<u8>, Vec<Origin>) {
    let (mut bytes, mut told) = (Vec::new(), Vec::new());
    while let Some(next) = inputs.next() {
        let n = next.len().min(piece);
        bytes.extend_from_slice(&next[..n]);
        told.extend(inputs.typed(n));
    }
    assert_eq!(inputs.waiting(), 0);
    (bytes, told)
}

#[test]
fn a_reply_comes_between_messages_never_within_one() {
    let mut inputs = Inputs::default();
    inputs.offer(input(1), Bytes::from_static(b"abc")).unwrap();
    inputs.offer(input(2), Bytes::from_static(b"def")).unwrap();
    assert_eq!(inputs.typed(1), None);
    inputs.reply(&mut b"R".to_vec());
    assert_eq!(inputs.next(), Some(&b"bc"[..]));
    assert_eq!(inputs.typed(2), Some(input(1)));
    assert_eq!(inputs.next(), Some(&b"R"[..]));
    assert_eq!(inputs.typed(1), None);
    assert_eq!(inputs.next(), Some(&b"def"[..]));
    assert_eq!(inputs.typed(3), Some(input(2)));
    assert_eq!((inputs.next(), inputs.waiting()), (None, 0));
}

#[test]
fn a_reply_waits_for_the_end_of_a_paste_of_several_messages() {
    let mut inputs = Inputs::default();
    for (seq, bytes) in [(1, "\x1b[200~one "), (2, "two\x1b[201~"), (3, "\r")] {
        inputs.offer(input(seq), Bytes::from(bytes)).unwrap();
    }
    assert_eq!(inputs.typed(10), Some(input(1)));
    inputs.reply(&mut b"R".to_vec());
    assert_eq!(all(&mut inputs, 4).0, b"two\x1b[201~R\r");
}

#[test]
fn beyond_the_bound_a_message_is_given_back() {
    let mut inputs = Inputs::default();
    let big = Bytes::from(vec![0; 4 << 20]);
    inputs.offer(input(1), big.clone()).unwrap();
    assert_eq!(inputs.offer(input(2), big), Err(input(2)));
    inputs.offer(input(3), Bytes::from_static(b"x")).unwrap();
    assert_eq!(inputs.give_up(), vec![input(1), input(3)]);
}

#[test]
fn a_message_without_bytes_is_answered_too() {
    let mut inputs = Inputs::default();
    inputs.offer(input(1), Bytes::new()).unwrap();
    assert_eq!(inputs.next(), Some(&b""[..]));
    assert_eq!(inputs.typed(0), Some(input(1)));
    assert_eq!(inputs.next(), None);
}

fn interrupt(inputs: &mut Inputs, seq: u64) {
    let key = Bytes::from_static(INTERRUPT);
    inputs.offer(input(seq), key).unwrap();
}

#[test]
fn while_the_agent_reads_an_interrupt_keeps_its_place() {
    let mut inputs = Inputs::default();
    inputs.offer(input(1), Bytes::from_static(b"abc")).unwrap();
    interrupt(&mut inputs, 2);
    assert_eq!(all(&mut inputs, 2).0, b"abc\x03");
    assert_eq!(inputs.interrupts, 0);
}

#[test]
fn interrupts_overtake_what_waits_wherever_they_come() {
    let paste = "\x1b[200~ação é 日本 x\x1b[201~";
    for typed in 0..paste.len() {
        let mut inputs = Inputs::default();
        inputs.offer(input(1), Bytes::from(paste)).unwrap();
        inputs.offer(input(2), Bytes::from_static(b"z")).unwrap();
        inputs.typed(typed);
        interrupt(&mut inputs, 3);
        inputs.let_interrupts_overtake();
        inputs.let_interrupts_overtake();
        let mut bytes = paste.as_bytes()[..typed].to_vec();
        let (rest, told) = all(&mut inputs, 3);
        assert!(rest.iter().position(|b| *b == 3).unwrap() < 6 + 6, "soon");
        bytes.extend(rest);
        let text = String::from_utf8(bytes).expect("no character is torn");
        let place = |seq| told.iter().position(|origin| *origin == input(seq));
        assert_eq!(told.len(), 3);
        assert!(place(3) < place(2), "{told:?}");
        // The mark that ends the paste is not torn.
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
fn interrupts_wait_for_a_delivery_that_is_half_typed_and_for_no_other() {
    let delivery = |key: &str| Origin::Delivery {
        client: 1,
        key: key.to_owned(),
    };
    let mut inputs = Inputs::default();
    let text = Bytes::from_static(b"\x1b[200~text\x1b[201~");
    inputs.offer(delivery("a"), text.clone()).unwrap();
    inputs.offer(delivery("b"), text).unwrap();
    inputs.typed(8);
    interrupt(&mut inputs, 1);
    interrupt(&mut inputs, 2);
    inputs.let_interrupts_overtake();
    let (bytes, told) = all(&mut inputs, 100);
    assert_eq!(bytes, b"xt\x1b[201~\x03\x03\x1b[200~text\x1b[201~");
    let order = [delivery("a"), input(1), input(2), delivery("b")];
    assert_eq!(told, order);
}

#[test]
fn what_others_type_waits_for_the_end_of_a_claim_in_order() {
    let mut inputs = Inputs::default();
    assert!(inputs.hold());
    inputs.offer(input(1), Bytes::from_static(b"a")).unwrap();
    inputs.offer(input(2), Bytes::from_static(b"b")).unwrap();
    assert_eq!(inputs.next(), None);
    inputs
        .offer_claimed(input(9), Bytes::from_static(b"paste"))
        .unwrap();
    inputs.reply(&mut b"R".to_vec());
    assert_eq!(
        inputs.next(),
        Some(&b"R"[..]),
        "the agent is not kept waiting"
    );
    inputs.typed(1);
    assert_eq!(inputs.next(), Some(&b"paste"[..]));
    inputs.typed(2);
    inputs
        .offer_claimed(input(10), Bytes::from_static(b"\r"))
        .unwrap();
    assert_eq!(inputs.let_go(), [input(10)], "too late");
    assert_eq!(
        all(&mut inputs, 9),
        (b"steab".to_vec(), vec![input(9), input(1), input(2)])
    );
}

#[test]
fn a_claim_is_not_had_in_the_middle_of_what_others_type() {
    let mut inputs = Inputs::default();
    inputs
        .offer(input(1), Bytes::from_static(b"\x1b[200~a"))
        .unwrap();
    assert!(!inputs.hold());
    inputs.typed(7);
    assert!(!inputs.hold(), "their paste goes on");
    inputs
        .offer(input(2), Bytes::from_static(b"\x1b[201~"))
        .unwrap();
    inputs.typed(6);
    assert!(inputs.hold());
}

#[test]
fn an_interrupt_comes_behind_what_is_half_typed_of_a_claim_and_before_the_rest() {
    let mut inputs = Inputs::default();
    assert!(inputs.hold());
    inputs.offer(input(1), Bytes::from_static(b"abc")).unwrap();
    let delivery = Bytes::from_static(b"\x1b[200~text\x1b[201~");
    inputs.offer_claimed(input(9), delivery).unwrap();
    inputs.typed(8);
    interrupt(&mut inputs, 2);
    assert!(inputs.has_interrupt());
    assert_eq!(inputs.let_go(), []);
    inputs.let_interrupts_overtake();
    let (bytes, told) = all(&mut inputs, 100);
    assert_eq!(bytes, b"xt\x1b[201~\x03abc");
    assert_eq!(told, [input(9), input(2), input(1)]);
}

#[test]
fn what_is_handed_on_is_typed_the_same_wherever_it_stands() {
    let paste = "\x1b[200~ação é 日本 x\x1b[201~";
    for typed in 0..paste.len() {
        let waiting = || {
            let mut inputs = Inputs::default();
            inputs.offer(input(1), Bytes::from(paste)).unwrap();
            let delivery = Origin::Delivery {
                client: 1,
                key: "k".to_owned(),
            };
            inputs.offer(delivery, Bytes::from_static(b"z")).unwrap();
            inputs.typed(typed);
            interrupt(&mut inputs, 3);
            inputs.reply(&mut b"R".to_vec());
            inputs
        };
        let (mut one, other) = (waiting(), waiting());
        let (kept, bytes) = other.keep().unwrap();
        let mut other = Inputs::go_on(&kept, bytes);
        assert_eq!(other.keep().unwrap().0, kept);
        assert_eq!(other.waiting(), one.waiting());
        one.let_interrupts_overtake();
        other.let_interrupts_overtake();
        let ((one, told), (other, heard)) = (all(&mut one, 3), all(&mut other, 3));
        assert_eq!(one, other);
        assert_eq!(told.len(), heard.len());
    }
    let mut claimed = Inputs::default();
    assert!(claimed.hold());
    assert!(claimed.keep().is_none(), "the keyboard is somebody's");
}

#[test]
fn interrupts_are_taken_out_to_become_signals() {
    let mut inputs = Inputs::default();
    inputs.offer(input(1), Bytes::from_static(b"abc")).unwrap();
    interrupt(&mut inputs, 2);
    interrupt(&mut inputs, 3);
    assert_eq!(inputs.take_interrupts(), [input(2), input(3)]);
    assert_eq!(all(&mut inputs, 9), (b"abc".to_vec(), vec![input(1)]));
}
