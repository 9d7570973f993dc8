//! Fuzzes [`wxcode_fuzz::report`].

#![cfg_attr(fuzzing, no_main)]

wxcode_fuzz::target!(report);
