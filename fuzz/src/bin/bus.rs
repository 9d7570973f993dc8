//! Fuzzes [`wxcode_fuzz::bus`].

#![cfg_attr(fuzzing, no_main)]

wxcode_fuzz::target!(bus);
