//! The kinds of steps.

#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Server,
    ServerAmid,
    Pause,
    Kill,
    Client,
    Type,
    Deliver,
    Again,
    Milestone,
    Answer,
    Session,
    Remake,
    Run,
    Unfollow,
    Store,
}

/// The kinds with their weights.
pub(super) const KINDS: &[(u64, Kind)] = &[
    (3, Kind::Server),
    (2, Kind::ServerAmid),
    (7, Kind::Pause),
    (7, Kind::Kill),
    (25, Kind::Client),
    (20, Kind::Type),
    (25, Kind::Deliver),
    (5, Kind::Again),
    (3, Kind::Milestone),
    (5, Kind::Answer),
    (9, Kind::Session),
    (1, Kind::Remake),
    (2, Kind::Run),
    (2, Kind::Unfollow),
    (1, Kind::Store),
];
