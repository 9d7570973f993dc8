//! Fuzzes [`wxcode_fuzz::parameter`].

#![cfg_attr(fuzzing, no_main)]

wxcode_fuzz::target!(parameter);
