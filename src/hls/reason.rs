//! Why a file does not become a lesson.

/// Why a file does not become a lesson: what is wrong with it, and what to do. Shown in
/// English; pages know each by its [`key`](Reason::key).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[serde(tag = "why", rename_all = "kebab-case")]
pub enum Reason {
    /// There is nothing in it.
    #[error("the file is empty: the copy was cut off; copy it again")]
    Empty,
    /// Words.
    #[error("it is text, not a film: look whether another file was meant")]
    Text,
    /// HTML, as a failed download leaves it.
    #[error("it is a web page, as a failed download leaves it: download the film again")]
    WebPage,
    /// It only names other files.
    #[error("it is a list of other files: upload the files themselves")]
    Playlist,
    /// A document.
    #[error("it is a document ({kind}), not a film: attach it to a lesson")]
    Document {
        /// PDF, Office.
        kind: String,
    },
    /// A container of files.
    #[error("it is an archive ({kind}): unpack it, and upload the films in it")]
    Archive {
        /// ZIP, RAR, 7z.
        kind: String,
    },
    /// Nothing in an archive is for lessons.
    #[error("there is no film, no sound and no document in the archive: look whether another was meant")]
    NothingInArchive,
    /// More is in an archive than there is room for, or than can be.
    #[error("there is more in the archive than there is room for: upload the films one by one")]
    LargeArchive,
    /// A lesson of an archive is there already.
    #[error("there is a lesson {lesson} already: upload it by itself if it is to replace that one")]
    LessonThere {
        /// Which.
        lesson: String,
    },
    /// A still.
    #[error("it is a picture ({kind}), not a film: look whether another file was meant")]
    Picture {
        /// JPEG, PNG.
        kind: String,
    },
    /// What runs.
    #[error("it is a program, not a film: look for the film itself")]
    Program,
    /// Nobody knows what it is.
    #[error("there is no film and no sound in it that this server knows: export it as MP4, and upload that")]
    Unknown,
    /// The index of an MP4 stands at its end, and is not there.
    #[error("its index is missing, which stands at the end: the copy was cut off; copy or upload it again")]
    IndexLost,
    /// It holds less than it says.
    #[error("it stops after {has} of {says}: the copy was cut off; copy or upload it again")]
    CutOff {
        /// How much of it there is, `m:ss`.
        has: String,
        /// How much there should be, `m:ss`.
        says: String,
    },
    /// Nobody here decodes its picture.
    #[error("its picture is coded as {codec}, which this server cannot read: export it as MP4 with H.264")]
    PictureCodec {
        /// Its name.
        codec: String,
    },
    /// Nobody here decodes its sound.
    #[error("its sound is coded as {codec}, which this server cannot read: export it as MP4 with AAC")]
    SoundCodec {
        /// Its name.
        codec: String,
    },
    /// Encrypted.
    #[error("it is protected against copying: ask whoever made it for a copy without")]
    Protected,
    /// It cannot be decoded.
    #[error("it could not be read: it may be damaged; export or copy it again")]
    Damaged,
    /// More pixels than a picture may have.
    #[error("its picture has {width} × {height} points, which is more than there can be: export it smaller")]
    TooManyPixels {
        /// Of the picture.
        width: u32,
        /// Of the picture.
        height: u32,
    },
    /// Longer than a lesson may be.
    #[error("it lasts longer than {hours} hours: cut it into parts")]
    TooLong {
        /// At most.
        hours: u32,
    },
    /// Sound that belongs to a lesson holds none.
    #[error("there is no sound in {file}")]
    NoSound {
        /// The file.
        file: String,
    },
    /// Subtitles that are none.
    #[error("there are no subtitles in {file}: expected .srt, .vtt or .ass, with times")]
    NoSubtitles {
        /// The file.
        file: String,
    },
    /// Titles that cannot be read.
    #[error("{file}: expected lines such as zh-Hans = \"…\": {detail}")]
    BadTitles {
        /// The file.
        file: String,
        /// What the reader says.
        detail: String,
    },
    /// Sound in place of a film.
    #[error(
        "the lesson {lesson} is a film: name sound for it by its language and upload both, or give this a name of its own"
    )]
    SoundForFilm {
        /// Which.
        lesson: String,
    },
    /// A document that is none, or another one.
    #[error("it is no {kind}, or damaged: its content is not what its name says; export it again")]
    NotAsNamed {
        /// How its name ends.
        kind: String,
    },
    /// Reading it never ended.
    #[error("it could not be read to its end in any reasonable time: it may be damaged; export it again")]
    Stuck,
    /// The file is not to blame.
    #[error("the server could not take it: {detail}. Tell the county's engineer")]
    Server {
        /// What happened.
        detail: String,
    },
}

impl Reason {
    /// The text of this reason in pages; its fields are the text's arguments.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Empty => "reason-empty",
            Self::Text => "reason-text",
            Self::WebPage => "reason-web-page",
            Self::Playlist => "reason-playlist",
            Self::Document { .. } => "reason-document",
            Self::Archive { .. } => "reason-archive",
            Self::NothingInArchive => "reason-nothing-in-archive",
            Self::LargeArchive => "reason-large-archive",
            Self::LessonThere { .. } => "reason-lesson-there",
            Self::Picture { .. } => "reason-picture",
            Self::Program => "reason-program",
            Self::Unknown => "reason-unknown",
            Self::IndexLost => "reason-index-lost",
            Self::CutOff { .. } => "reason-cut-off",
            Self::PictureCodec { .. } => "reason-picture-codec",
            Self::SoundCodec { .. } => "reason-sound-codec",
            Self::Protected => "reason-protected",
            Self::Damaged => "reason-damaged",
            Self::TooManyPixels { .. } => "reason-too-many-pixels",
            Self::TooLong { .. } => "reason-too-long",
            Self::NoSound { .. } => "reason-no-sound",
            Self::NoSubtitles { .. } => "reason-no-subtitles",
            Self::BadTitles { .. } => "reason-bad-titles",
            Self::SoundForFilm { .. } => "reason-sound-for-film",
            Self::NotAsNamed { .. } => "reason-not-as-named",
            Self::Stuck => "reason-stuck",
            Self::Server { .. } => "reason-server",
        }
    }

    /// What its text is filled with.
    pub fn arguments(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Document { kind }
            | Self::Archive { kind }
            | Self::Picture { kind }
            | Self::NotAsNamed { kind } => {
                vec![("kind", kind.clone())]
            }
            Self::CutOff { has, says } => vec![("has", has.clone()), ("says", says.clone())],
            Self::PictureCodec { codec } | Self::SoundCodec { codec } => vec![("codec", codec.clone())],
            Self::TooManyPixels { width, height } => {
                vec![("width", width.to_string()), ("height", height.to_string())]
            }
            Self::TooLong { hours } => vec![("hours", hours.to_string())],
            Self::NoSound { file } | Self::NoSubtitles { file } => vec![("file", file.clone())],
            Self::BadTitles { file, detail } => vec![("file", file.clone()), ("detail", detail.clone())],
            Self::SoundForFilm { lesson } | Self::LessonThere { lesson } => vec![("lesson", lesson.clone())],
            Self::Server { detail } => vec![("detail", detail.clone())],
            _ => Vec::new(),
        }
    }
}
