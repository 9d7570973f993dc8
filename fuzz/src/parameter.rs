//! Parameters of routes: taken, or refused with a status and a bounded text.

use std::net::Ipv6Addr;

use wxcode_server::fuzzing::{QUERIES, front, id, query};

use crate::input::Input;

/// Longest refusal, in bytes.
const REFUSAL_MAX: usize = 4 << 10;

/// Runs one input: the kind of the parameter, and its text.
pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let kind = usize::from(input.byte());
    let Ok(text) = std::str::from_utf8(input.rest()) else {
        return;
    };
    match kind % (QUERIES + 2) {
        route if route < QUERIES => {
            let Some(read) = query(route, text) else {
                return;
            };
            assert!(!text.is_empty() || read.is_ok() || read == query(route, "").unwrap());
            check(read, &[422]);
        }
        route if route == QUERIES => {
            let read = id(text);
            if let Ok(id) = &read {
                assert_eq!(id.to_string(), text.to_ascii_lowercase());
                assert_eq!(text.len(), 24);
            }
            check(read.map(drop), &[400]);
        }
        _ => {
            let (host, origin) = match text.split_once('\n') {
                Some((host, origin)) => (host, Some(origin)),
                None => (text, None),
            };
            let Some(read) = front(host, origin) else {
                return;
            };
            if read.is_ok() {
                assert!(!text.contains('@'), "{text}");
                let own = host.to_ascii_lowercase();
                let names = ["127.", "localhost", "wxcode.localhost", "box.example"];
                let bare = own.strip_prefix('[').and_then(|rest| rest.split_once(']'));
                let is_loopback = bare.is_some_and(|(address, _)| {
                    let address = address.parse::<Ipv6Addr>();
                    address.is_ok_and(|address| address.is_loopback())
                });
                let is_own = names.iter().any(|name| own.starts_with(name));
                assert!(is_own || is_loopback, "{host}");
                let port = |text: &str| text.rsplit_once(':')?.1.parse::<u16>().ok();
                if let (Some(origin), Some(expected)) = (origin, port(host)) {
                    let is_usual = [80, 443].contains(&expected);
                    assert!(
                        port(origin).map_or(is_usual, |port| port == expected),
                        "{text}"
                    );
                }
            }
            check(read, &[403]);
        }
    }
}

fn check(read: Result<(), (u16, String)>, statuses: &[u16]) {
    if let Err((status, detail)) = read {
        assert!(statuses.contains(&status), "{status}: {detail}");
        assert!(
            !detail.is_empty() && detail.len() <= REFUSAL_MAX,
            "{} bytes",
            detail.len()
        );
    }
}
