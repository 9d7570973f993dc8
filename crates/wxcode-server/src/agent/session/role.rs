//! The driver of a session: the client whose window sets the size.
//!
//! Invariant: a session has the size of a single client, the driver. Clients use the session's
//! present size, never the size of their own request.

use std::collections::BTreeMap;

use jiff::Timestamp;
use wxcode_terminal::Size;

/// A terminal client of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    /// The name of the person behind the client.
    pub(crate) name: String,
    /// The client takes no input, and so never drives.
    pub(crate) read_only: bool,
    pub(crate) since: Timestamp,
    window: Option<Size>,
}

impl Member {
    /// A client that joins now.
    pub(crate) fn new(name: String, read_only: bool) -> Self {
        Self {
            name,
            read_only,
            since: Timestamp::now(),
            window: None,
        }
    }
}

/// The terminal clients of a session and their windows. At most one drives.
#[derive(Debug, Default)]
pub(in crate::agent) struct Roles {
    members: BTreeMap<u64, Member>,
    driver: Option<u64>,
    /// The driver became one by another client's wish, and its size does not count yet.
    handed: bool,
    next: u64,
    /// No client may join: the session is about to end.
    closed: bool,
}

impl Roles {
    /// Adds a client; returns its number, or `None` for a closed session.
    pub(in crate::agent) fn join(&mut self, member: Member) -> Option<u64> {
        if self.closed {
            return None;
        }
        self.next += 1;
        self.members.insert(self.next, member);
        Some(self.next)
    }

    /// Lets no client join from here on; false while one is there.
    pub(in crate::agent) fn close(&mut self) -> bool {
        self.closed = self.members.is_empty();
        self.closed
    }

    /// Lets no client join from here on, also while some are there.
    pub(in crate::agent) fn shut(&mut self) {
        self.closed = true;
    }

    /// Lets clients join again.
    pub(in crate::agent) fn open(&mut self) {
        self.closed = false;
    }

    pub(in crate::agent) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// Removes a client. After the driver left no client drives, and the size stays.
    pub(in crate::agent) fn leave(&mut self, client: u64) {
        self.members.remove(&client);
        if self.driver == Some(client) {
            self.driver = None;
        }
    }

    /// Sets the size of a client's window. The client drives if no other client does; returns the
    /// session's new size.
    pub(in crate::agent) fn window(&mut self, client: u64, size: Size) -> Option<Size> {
        let known = self.members.get_mut(&client)?.window.replace(size);
        let drove = self.driver == Some(client);
        if self.driver.is_none() {
            self.driver = Some(client);
        }
        let drives = self.driver == Some(client);
        (drives && !(drove && known == Some(size))).then_some(size)
    }

    /// A client typed, or asked to drive; returns the session's new size.
    pub(in crate::agent) fn drive(&mut self, client: u64) -> Option<Size> {
        let window = self.members.get(&client)?.window;
        self.handed = false;
        let drove = self.driver.replace(client) == Some(client);
        window.filter(|_| !drove)
    }

    /// Makes another client the driver; false if that one is not there or takes no input.
    pub(in crate::agent) fn hand(&mut self, client: u64) -> bool {
        let may = self.members.get(&client).is_some_and(|one| !one.read_only);
        if may {
            self.handed = self.driver.replace(client) != Some(client);
        }
        may
    }

    /// The size of the window of a client that became the driver by another one's wish, once.
    pub(in crate::agent) fn take_handed(&mut self, client: u64) -> Option<Size> {
        let is_new = self.driver == Some(client) && std::mem::take(&mut self.handed);
        is_new.then(|| self.members.get(&client)?.window).flatten()
    }

    /// The clients by their numbers, the earliest first.
    pub(in crate::agent) fn members(&self) -> Vec<(u64, Member)> {
        let members = self.members.iter();
        members
            .map(|(client, one)| (*client, one.clone()))
            .collect()
    }

    /// The driver.
    pub(in crate::agent) fn driver(&self) -> Option<u64> {
        self.driver
    }

    /// The number of clients.
    pub(in crate::agent) fn clients(&self) -> usize {
        self.members.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(cols: u16) -> Size {
        Size::new(cols, 40).unwrap()
    }

    fn member() -> Member {
        Member::new("ann".to_owned(), false)
    }

    #[test]
    fn a_handed_session_has_the_new_size() {
        let mut roles = Roles::default();
        let (desk, phone) = (roles.join(member()).unwrap(), roles.join(member()).unwrap());
        let guest = roles.join(Member::new("guest".to_owned(), true)).unwrap();
        roles.window(desk, size(120));
        roles.window(phone, size(44));
        assert!(!roles.hand(guest), "it only looks");
        assert!(!roles.hand(99), "nobody");
        assert_eq!(roles.driver(), Some(desk));
        assert!(roles.hand(phone));
        assert_eq!(roles.take_handed(desk), None);
        assert_eq!(roles.take_handed(phone), Some(size(44)));
        assert_eq!(roles.take_handed(phone), None, "once");
        assert!(roles.hand(phone), "it drives already");
        assert_eq!(roles.take_handed(phone), None);
        let names: Vec<_> = roles
            .members()
            .into_iter()
            .map(|(_, one)| one.name)
            .collect();
        assert_eq!(names, ["ann", "ann", "guest"]);
    }

    #[test]
    fn first_window_or_latest_typist_drives() {
        let mut roles = Roles::default();
        let (desk, phone) = (roles.join(member()).unwrap(), roles.join(member()).unwrap());
        assert_eq!(roles.window(desk, size(120)), Some(size(120)));
        assert_eq!(roles.window(phone, size(44)), None, "it only looks");
        assert_eq!(roles.window(desk, size(130)), Some(size(130)));
        assert_eq!(roles.window(desk, size(130)), None, "nothing new");
        assert_eq!(roles.drive(phone), Some(size(44)));
        assert_eq!(roles.drive(phone), None, "it drives already");
        assert_eq!(roles.window(desk, size(140)), None);
        assert_eq!(roles.drive(desk), Some(size(140)), "its newest window");
    }

    #[test]
    fn driver_leaves_and_next_action_drives() {
        let mut roles = Roles::default();
        let (desk, phone) = (roles.join(member()).unwrap(), roles.join(member()).unwrap());
        roles.window(desk, size(120));
        roles.window(phone, size(44));
        roles.leave(desk);
        assert_eq!((roles.driver(), roles.clients()), (None, 1));
        assert_eq!(roles.drive(phone), Some(size(44)));
        let late = roles.join(member()).unwrap();
        roles.leave(phone);
        assert_eq!(roles.window(late, size(90)), Some(size(90)));
        assert_eq!(roles.window(phone, size(1)), None, "it is gone");
    }

    #[test]
    fn client_without_window_keeps_the_size() {
        let mut roles = Roles::default();
        let program = roles.join(member()).unwrap();
        assert_eq!(roles.drive(program), None);
        assert_eq!(roles.driver(), Some(program));
        assert_eq!(roles.window(program, size(100)), Some(size(100)));
    }

    #[test]
    fn a_closed_session_takes_no_client() {
        let mut roles = Roles::default();
        let client = roles.join(member()).unwrap();
        assert!(!roles.close(), "a client is there");
        roles.leave(client);
        assert!(roles.close());
        assert_eq!(roles.join(member()), None);
        roles.open();
        assert!(roles.join(member()).is_some());
    }
}
