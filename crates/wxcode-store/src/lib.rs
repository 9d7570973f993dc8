//! The Store trait and its embedded form.
