//! What can be said of uploads.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use crate::base::{AccountId, LessonId};

/// Unfinished uploads of one person.
pub(super) const MOST: usize = 200;

/// What may be uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UploadLimits {
    /// Largest file, bytes.
    pub largest: u64,
    /// Bytes of one person within a day.
    pub per_day: u64,
    /// Where nothing more comes, an upload goes after so long.
    pub kept_for: Duration,
    /// Bytes of the disk that stay free.
    pub least_free: u64,
}

/// An upload, for who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Its identifier: 32 hexadecimal digits.
    pub id: String,
    /// The file's name.
    pub name: String,
    /// Bytes in all.
    pub length: u64,
    /// Bytes that are here.
    pub offset: u64,
    /// `Upload-Metadata` as it came.
    pub metadata: String,
    /// What the bytes are to be.
    pub sha256: Option<String>,
    /// When it began.
    pub created: Timestamp,
    /// When it goes if nothing more comes.
    pub expires: Timestamp,
}

/// A file that has come and was taken into the inbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// The upload.
    pub id: String,
    /// Whose it was.
    pub owner: AccountId,
    /// The system that sent it in his name; empty: himself.
    pub via: String,
    /// Its name in the inbox.
    pub name: String,
    /// What its bytes were to be, and are.
    pub sha256: Option<String>,
}

impl Upload {
    /// Everything is here, and was taken.
    pub fn is_whole(&self) -> bool {
        self.offset == self.length
    }
}

/// Why something cannot be done with an upload.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// There is none, or it is another person's.
    #[error("there is no such upload: it was ended, or nothing came for too long; begin again")]
    Unknown,
    /// The same person has begun to send the same file, and some of it is here.
    #[error("this file has begun to come: go on with upload `{0}`, or end it")]
    Begun(String),
    /// It goes on elsewhere in the file.
    #[error("the upload goes on at byte {0}")]
    Offset(u64),
    /// The file is too large.
    #[error(
        "the file has {length} bytes, at most {largest} are taken: export it smaller, or put it into the inbox folder"
    )]
    TooLarge {
        /// What it has.
        length: u64,
        /// What is taken.
        largest: u64,
    },
    /// More came than was said.
    #[error("more bytes came than the upload is long")]
    TooMuch,
    /// There is no room for it.
    #[error(
        "the server's disk has no room for it: {needed} bytes are needed, {free} are free; call the county's engineer"
    )]
    NoRoom {
        /// The file, what other uploads still need, and what stays free.
        needed: u64,
        /// What is free.
        free: u64,
    },
    /// One person has uploaded much within a day.
    #[error(
        "{done} bytes of one person came within 24 hours, with this file it would be more than {most}: go on tomorrow, or ask the county's engineer ([uploads] per_day)"
    )]
    MuchToday {
        /// What came, or is on its way.
        done: u64,
        /// What may come.
        most: u64,
        /// When there is room again, seconds from now.
        wait: i64,
    },
    /// Too many have begun.
    #[error("{MOST} uploads have begun and are not whole: end some of them")]
    TooMany,
    /// The same bytes are a lesson already.
    #[error("the same file is the lesson `{0}` already")]
    IsLesson(LessonId),
    /// A lesson has that name, and would be replaced.
    #[error("the lesson `{0}` is there already: sent with `again`, this file takes its place")]
    Replaces(LessonId),
    /// A file of that name is on its way, or waits to be packaged.
    #[error(
        "a file named `{0}` is being sent or prepared: wait until it is done, or give yours another name"
    )]
    NameTaken(String),
    /// The sum of a request's bytes is wrong: they were dropped.
    #[error("the bytes changed on the way: they are to be sent again")]
    Changed,
    /// The whole file is not what it was to be: it was dropped.
    #[error("the file changed on the way, or while it was sent: upload it again")]
    Wrong,
    /// Somebody else writes it now.
    #[error("another connection goes on with this upload")]
    Superseded,
    /// The disk.
    #[error("{path}: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// What.
        source: io::Error,
    },
}
