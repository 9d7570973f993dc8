//! Fuzzes [`wxcode_fuzz::config`].

#![cfg_attr(fuzzing, no_main)]

wxcode_fuzz::target!(config);
