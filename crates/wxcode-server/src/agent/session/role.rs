//! The driver of a session: the client whose window sets the size.
//!
//! Invariant: a session has the size of a single client, the driver. Clients use the session's
//! present size, never the size of their own request.

use std::collections::HashMap;

use wxcode_terminal::Size;

/// The terminal clients of a session and their windows. At most one drives.
#[derive(Debug, Default)]
pub(in crate::agent) struct Roles {
    windows: HashMap<u64, Option<Size>>,
    driver: Option<u64>,
    next: u64,
    /// No client may join: the session is about to end.
    closed: bool,
}

impl Roles {
    /// Adds a client; returns its number, or `None` for a closed session.
    pub(in crate::agent) fn join(&mut self) -> Option<u64> {
        if self.closed {
            return None;
        }
        self.next += 1;
        self.windows.insert(self.next, None);
        Some(self.next)
    }

    /// Lets no client join from here on; false while one is there.
    pub(in crate::agent) fn close(&mut self) -> bool {
        self.closed = self.windows.is_empty();
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
        self.windows.remove(&client);
        if self.driver == Some(client) {
            self.driver = None;
        }
    }

    /// Sets the size of a client's window. The client drives if no other client does; returns the
    /// session's new size.
    pub(in crate::agent) fn window(&mut self, client: u64, size: Size) -> Option<Size> {
        let known = self.windows.get_mut(&client)?.replace(size);
        let drove = self.driver == Some(client);
        if self.driver.is_none() {
            self.driver = Some(client);
        }
        let drives = self.driver == Some(client);
        (drives && !(drove && known == Some(size))).then_some(size)
    }

    /// A client typed, or asked to drive; returns the session's new size.
    pub(in crate::agent) fn drive(&mut self, client: u64) -> Option<Size> {
        let window = *self.windows.get(&client)?;
        let drove = self.driver.replace(client) == Some(client);
        window.filter(|_| !drove)
    }

    /// The driver.
    pub(in crate::agent) fn driver(&self) -> Option<u64> {
        self.driver
    }

    /// The number of clients.
    pub(in crate::agent) fn clients(&self) -> usize {
        self.windows.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(cols: u16) -> Size {
        Size::new(cols, 40).unwrap()
    }

    #[test]
    fn first_window_or_latest_typist_drives() {
        let mut roles = Roles::default();
        let (desk, phone) = (roles.join().unwrap(), roles.join().unwrap());
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
        let (desk, phone) = (roles.join().unwrap(), roles.join().unwrap());
        roles.window(desk, size(120));
        roles.window(phone, size(44));
        roles.leave(desk);
        assert_eq!((roles.driver(), roles.clients()), (None, 1));
        assert_eq!(roles.drive(phone), Some(size(44)));
        let late = roles.join().unwrap();
        roles.leave(phone);
        assert_eq!(roles.window(late, size(90)), Some(size(90)));
        assert_eq!(roles.window(phone, size(1)), None, "it is gone");
    }

    #[test]
    fn client_without_window_keeps_the_size() {
        let mut roles = Roles::default();
        let program = roles.join().unwrap();
        assert_eq!(roles.drive(program), None);
        assert_eq!(roles.driver(), Some(program));
        assert_eq!(roles.window(program, size(100)), Some(size(100)));
    }

    #[test]
    fn a_closed_session_takes_no_client() {
        let mut roles = Roles::default();
        let client = roles.join().unwrap();
        assert!(!roles.close(), "a client is there");
        roles.leave(client);
        assert!(roles.close());
        assert_eq!(roles.join(), None);
        roles.open();
        assert!(roles.join().is_some());
    }
}
