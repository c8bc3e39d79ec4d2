//! The log of evidence: a Merkle tree that only grows (RFC 6962), checkpoints that the county
//! signs and others witness (C2SP), exports with their proof, and checking them.
//!
//! Pure: takes hashes, texts and keys, and returns hashes, texts and verdicts.
//!
//! Invariants, each held by a property test:
//!
//! - An entry that was altered, added, left out or moved makes another root.
//! - A tree begins with every smaller one it was, and with no other.
//! - Tiles hold the same tree, in however many steps it grew.
//! - What somebody signed verifies under his key, and nothing else does.

mod checkpoint;
mod entry;
mod export;
mod note;
mod tables;
mod tile;
mod tree;
mod verify;
mod witness;

pub use checkpoint::{BadCheckpoint, Checkpoint};
pub use entry::{Corrected, Entry, Facts, Salt, Sealed, SessionFacts, StudyFacts, commitment};
pub use export::{Earlier, Exported, Header, Line, blocks};
pub use note::{BadNote, Kind, Note, Signer, Verifier};
pub use tables::{Played, statement, table};
pub use tile::{InTiles, TileId, TilePath, Tiles, WIDTH, append};
pub use tree::{
    Hash, Head, Nodes, around, consistency, inclusion, leaf_hash, root, tree_root, verify_consistency,
};
pub use verify::{Fault, Trust, Verdict, verify};
pub use witness::{AddCheckpoint, Answer, Seen, witness};
