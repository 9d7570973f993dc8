//! Fuzzes [`wxcode_fuzz::stream_json`].

#![cfg_attr(fuzzing, no_main)]

wxcode_fuzz::target!(stream_json);
