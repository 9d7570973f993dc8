//! Fuzzes [`wxcode_fuzz::hook`].

#![cfg_attr(fuzzing, no_main)]

wxcode_fuzz::target!(hook);
