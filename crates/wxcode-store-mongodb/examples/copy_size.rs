//! Bytes in MongoDB for a byte of a conversation's copy: `copy_size FILE [PIECE_KIB]...`. Publishes
//! the file as a server does, in pieces of each size, and prints a line of a Markdown table for
//! each.

use std::{error::Error, fs, time::Instant};

use mongodb::{
    Client,
    bson::{Document, doc},
};
use uuid::Uuid;
use wxcode_core::id::Id;
use wxcode_store::{CopyFile, CopyStore as _};
use wxcode_store_mongodb::MongoStore;
use wxcode_testbed::mongodb::MongoServer;

/// The collection of copies.
const COPIES: &str = "wxcode_conversations";
/// Sizes of pieces without arguments, in KiB: a quiet session, a busy one, and an old transcript.
const PIECES_KIB: [usize; 4] = [1, 4, 40, 4_096];

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let bytes = fs::read(arguments.next().ok_or("give a transcript")?)?;
    let mut pieces: Vec<usize> = arguments.map(|kib| kib.parse()).collect::<Result<_, _>>()?;
    if pieces.is_empty() {
        pieces = PIECES_KIB.to_vec();
    }
    let server = MongoServer::start()?;
    println!(
        "| piece | bytes | on the disk for a byte | of that indexes | time |\n|---|---|---|---|---|"
    );
    for (number, kib) in pieces.into_iter().enumerate() {
        let name = format!("copy_size_{number}");
        let address = server.address(&name);
        let store = MongoStore::open(&address.parse()?).await?;
        let begun = Instant::now();
        publish(&store, &bytes, kib << 10).await?;
        let took = begun.elapsed();
        let database = Client::with_uri_str(&address).await?.database(&name);
        // The storage is counted after a checkpoint.
        let admin = Client::with_uri_str(&address).await?.database("admin");
        admin.run_command(doc! { "fsync": 1 }).await?;
        let stats = database.run_command(doc! { "collStats": COPIES }).await?;
        let (storage, indexes) = (
            number_of(&stats, "storageSize"),
            number_of(&stats, "totalIndexSize"),
        );
        let len = bytes.len() as f64;
        println!(
            "| {kib} KiB | {} | {:.3} | {:.3} | {:.1} s |",
            bytes.len(),
            (storage + indexes) / len,
            indexes / len,
            took.as_secs_f64()
        );
    }
    Ok(())
}

async fn publish(store: &MongoStore, bytes: &[u8], piece: usize) -> Result<(), Box<dyn Error>> {
    let project = Id::from_bytes([7; 12]);
    let conversation = Uuid::new_v4();
    let mut old: Option<CopyFile> = None;
    let mut new = CopyFile {
        conversation,
        name: format!("{conversation}.jsonl"),
        version: 0,
        len: 0,
        epoch: 1,
    };
    for piece in bytes.chunks(piece) {
        store.stage_copy(project, &new, piece).await?;
        new = new.longer(piece.len());
        if !store.publish_copy(project, old.as_ref(), &new).await? {
            return Err("another writer published".into());
        }
        old = Some(new.clone());
    }
    Ok(())
}

fn number_of(stats: &Document, name: &str) -> f64 {
    let number = stats.get(name);
    let number = number.and_then(|number| number.as_f64().or(number.as_i64().map(|n| n as f64)));
    let small = stats.get_i32(name).map(f64::from);
    number.or(small.ok()).unwrap_or(f64::NAN)
}
