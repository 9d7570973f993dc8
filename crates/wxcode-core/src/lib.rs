//! Projects, milestones, deliveries and agent states: types and pure machines.
