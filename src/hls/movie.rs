//! One MP4 file of the tracks of a package, its sample tables in front (ISO/IEC
//! 14496-12): what every player opens and a stick carries. Only the head is made; the
//! media are those of the package, piece by piece.

use mp4_atom::{
    Atom as _, Co64, Ctts, CttsEntry, Decode as _, Edts, Elst, ElstEntry, Encode as _, Ftyp, Header, Mdat,
    Moof, Moov, Stco, Stsc, StscEntry, Stss, Stsz, StszSamples, Stts, SttsEntry, Tfhd, Trak, Trex, TrunEntry,
};

use super::ByteRange;

/// Ticks of the movie's own clock in a second.
const CLOCK: u64 = 1000;
/// sample_is_non_sync_sample (ISO/IEC 14496-12 §8.8.3.1).
const NON_SYNC: u32 = 0x0001_0000;

/// Why there is no file.
#[derive(Debug, thiserror::Error)]
pub enum MovieError {
    /// A box is malformed.
    #[error("a malformed box: {0}")]
    Box(#[from] mp4_atom::Error),
    /// Something that must be there is not.
    #[error("expected {0}")]
    Missing(&'static str),
    /// It would be longer than a file can be.
    #[error("a time or an offset is out of range")]
    Range,
}

/// A track that goes into the file.
#[derive(Debug)]
pub struct MovieTrack<'a> {
    /// Its CMAF header.
    pub header: &'a [u8],
    /// ISO 639-2 code of what is spoken; empty: nothing is.
    pub language: &'a str,
    /// Its segments: where each lies, and its bytes up to those of its samples
    /// ([`head_length`]). A segment without bytes has none.
    pub segments: &'a [(ByteRange, Vec<u8>)],
}

/// A file that is made when it is read.
#[derive(Debug, PartialEq, Eq)]
pub struct Movie {
    /// Its first bytes.
    pub head: Vec<u8>,
    /// What follows: the number of a track, and bytes of the track's file.
    pub pieces: Vec<(usize, ByteRange)>,
    /// All of it, bytes.
    pub length: u64,
}

/// How many bytes of a segment come before those of its samples: `Err` says how many of
/// it have to be there to tell.
pub fn head_length(bytes: &[u8]) -> Result<Result<usize, usize>, MovieError> {
    let mut at = 0;
    loop {
        let Some(mut header) = bytes.get(at..at + 8) else { return Ok(Err(at + 8)) };
        let header = Header::decode(&mut header)?;
        let size = header.size.ok_or(MovieError::Missing("a box that ends"))?;
        at += 8;
        if header.kind == Mdat::KIND {
            return Ok(Ok(at));
        }
        at = at.checked_add(size).ok_or(MovieError::Range)?;
    }
}

/// What the sample tables say of one track.
#[derive(Default)]
struct Table {
    /// Runs of samples that last as long.
    times: Vec<SttsEntry>,
    offsets: Vec<CttsEntry>,
    sizes: Vec<u32>,
    /// Numbers of those that can be begun with, from 1.
    sync: Vec<u32>,
    /// Of each chunk: its samples, and the piece it is.
    chunks: Vec<(u32, ByteRange)>,
    /// When its first sample is decoded, and where its last one ends, ticks.
    begins: u64,
    ends: u64,
}

/// Puts `tracks` into one file, interleaved by segment. Times are those of their fragments.
pub fn movie(tracks: &[MovieTrack<'_>]) -> Result<Movie, MovieError> {
    let mut parts = Vec::new();
    for (at, track) in tracks.iter().enumerate() {
        let (mut trak, trex) = read_header(track.header)?;
        trak.tkhd.track_id = at as u32 + 1;
        if !track.language.is_empty() {
            trak.mdia.mdhd.language = track.language.to_owned();
        }
        parts.push((trak, table(track.segments, &trex)?));
    }
    let most = tracks.iter().map(|t| t.segments.len()).max().unwrap_or_default();
    let mut pieces = Vec::new();
    let mut lies: Vec<Vec<u64>> = vec![Vec::new(); tracks.len()];
    let mut length = 0_u64;
    let mut chunks: Vec<_> = parts.iter().map(|(_, table)| table.chunks.iter()).collect();
    for _ in 0..most {
        for (at, chunks) in chunks.iter_mut().enumerate() {
            let Some((_, range)) = chunks.next() else { continue };
            pieces.push((at, *range));
            lies[at].push(length);
            length += range.length;
        }
    }
    drop(chunks);
    let wide = length > u64::from(u32::MAX) - (1 << 30);
    let mut moov = of(parts, &lies, wide)?;
    // The head's size does not depend on the offsets' values: once to know it, once with them.
    let size = head(&moov, length)?.len() as u64;
    move_chunks(&mut moov, size)?;
    let head = head(&moov, length)?;
    Ok(Movie { length: head.len() as u64 + length, head, pieces })
}

/// The track of a header, and what its fragments need not say.
fn read_header(bytes: &[u8]) -> Result<(Trak, Trex), MovieError> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let header = Header::decode(&mut rest)?;
        let size = header.size.ok_or(MovieError::Missing("a box that ends"))?;
        let (mut body, after) = rest.split_at_checked(size).ok_or(MovieError::Missing("a whole box"))?;
        if header.kind == Moov::KIND {
            let mut moov = Moov::decode_body(&mut body)?;
            let trex = moov.mvex.and_then(|m| m.trex.into_iter().next());
            let trak = moov.trak.pop().filter(|_| moov.trak.is_empty());
            return trak.zip(trex).ok_or(MovieError::Missing("a header of one track"));
        }
        rest = after;
    }
    Err(MovieError::Missing("a header"))
}

fn table(segments: &[(ByteRange, Vec<u8>)], trex: &Trex) -> Result<Table, MovieError> {
    let mut table = Table::default();
    for (range, head) in segments.iter().filter(|(range, _)| range.length > 0) {
        let mut rest = &head[..];
        let mut samples = 0;
        loop {
            let header = Header::decode(&mut rest)?;
            if header.kind == Mdat::KIND {
                break;
            }
            let size = header.size.ok_or(MovieError::Missing("a box that ends"))?;
            let (mut body, after) = rest.split_at_checked(size).ok_or(MovieError::Missing("a whole box"))?;
            if header.kind == Moof::KIND {
                let moof = Moof::decode_body(&mut body)?;
                let [traf] = &moof.traf[..] else { return Err(MovieError::Missing("one track")) };
                let time = traf.tfdt.as_ref().ok_or(MovieError::Missing("a time"))?;
                table.goes_on_at(time.base_media_decode_time, table.sizes.is_empty())?;
                for entry in traf.trun.iter().flat_map(|run| &run.samples) {
                    table.add(&traf.tfhd, &entry, trex)?;
                    samples += 1;
                }
            }
            rest = after;
        }
        let head = head.len() as u64;
        let length = range.length.checked_sub(head).ok_or(MovieError::Range)?;
        table.chunks.push((samples, ByteRange { offset: range.offset + head, length }));
    }
    match table.sizes.is_empty() {
        true => Err(MovieError::Missing("samples")),
        false => Ok(table),
    }
}

impl Table {
    /// A fragment begins at `time`: the last sample lasts until then.
    fn goes_on_at(&mut self, time: u64, first: bool) -> Result<(), MovieError> {
        if first {
            (self.begins, self.ends) = (time, time);
            return Ok(());
        }
        if time == self.ends {
            return Ok(());
        }
        let Some(last) = self.times.pop() else { return Ok(()) };
        let lasted = u64::from(last.sample_delta);
        // A piece of a sample is left where they overlap; nothing goes back in time.
        let lasts = (lasted + time).saturating_sub(self.ends).max(1);
        if last.sample_count > 1 {
            self.times.push(SttsEntry { sample_count: last.sample_count - 1, ..last });
        }
        let sample_delta = u32::try_from(lasts).map_err(|_| MovieError::Range)?;
        self.times.push(SttsEntry { sample_count: 1, sample_delta });
        self.ends = self.ends - lasted + lasts;
        Ok(())
    }

    /// A sample's own fields, or else the fragment's, or else the track's (§8.8.7).
    fn add(&mut self, tfhd: &Tfhd, entry: &TrunEntry, trex: &Trex) -> Result<(), MovieError> {
        let pick = |own: Option<u32>, fragment: Option<u32>, track| own.or(fragment).unwrap_or(track);
        let flags = pick(entry.flags, tfhd.default_sample_flags, trex.default_sample_flags);
        let lasts = pick(entry.duration, tfhd.default_sample_duration, trex.default_sample_duration);
        self.sizes.push(pick(entry.size, tfhd.default_sample_size, trex.default_sample_size));
        let number = u32::try_from(self.sizes.len()).map_err(|_| MovieError::Range)?;
        if flags & NON_SYNC == 0 {
            self.sync.push(number);
        }
        match self.times.last_mut().filter(|run| run.sample_delta == lasts) {
            Some(run) => run.sample_count += 1,
            None => self.times.push(SttsEntry { sample_count: 1, sample_delta: lasts }),
        }
        let offset = entry.cts.unwrap_or(0);
        match self.offsets.last_mut().filter(|run| run.sample_offset == offset) {
            Some(run) => run.sample_count += 1,
            None => self.offsets.push(CttsEntry { sample_count: 1, sample_offset: offset }),
        }
        self.ends += u64::from(lasts);
        Ok(())
    }

    /// Runs of chunks with as many samples (§8.7.4).
    fn runs(&self) -> Vec<StscEntry> {
        let mut runs: Vec<StscEntry> = Vec::new();
        for (at, (samples, _)) in self.chunks.iter().enumerate() {
            if runs.last().is_none_or(|run| run.samples_per_chunk != *samples) {
                let first_chunk = at as u32 + 1;
                runs.push(StscEntry {
                    first_chunk,
                    samples_per_chunk: *samples,
                    sample_description_index: 1,
                });
            }
        }
        runs
    }
}

/// The movie box; chunks lie at `lies`, counted from the first sample's byte.
fn of(parts: Vec<(Trak, Table)>, lies: &[Vec<u64>], wide: bool) -> Result<Moov, MovieError> {
    let mut moov = Moov::default();
    moov.mvhd.timescale = CLOCK as u32;
    moov.mvhd.rate = 1.into();
    moov.mvhd.volume = 1.into();
    moov.mvhd.next_track_id = parts.len() as u32 + 1;
    for ((mut trak, table), lies) in parts.into_iter().zip(lies) {
        let scale = u64::from(trak.mdia.mdhd.timescale).max(1);
        let clock = |ticks: u64| (u128::from(ticks) * u128::from(CLOCK) / u128::from(scale)) as u64;
        let plays = clock(table.ends - table.begins);
        let waits = clock(table.begins);
        trak.mdia.mdhd.duration = table.ends - table.begins;
        trak.tkhd.duration = waits + plays;
        // What begins later than the file says so (§8.6.6).
        trak.edts = (waits > 0).then(|| {
            let edit = |segment_duration, media_time| ElstEntry {
                segment_duration,
                media_time,
                media_rate: 1.into(),
            };
            Edts { elst: Some(Elst { entries: vec![edit(waits, None), edit(plays, Some(0))] }) }
        });
        moov.mvhd.duration = moov.mvhd.duration.max(waits + plays);
        let stbl = &mut trak.mdia.minf.stbl;
        stbl.stsc = Stsc { entries: table.runs() };
        let all = table.sync.len() == table.sizes.len();
        stbl.stss = (!all).then_some(Stss { entries: table.sync });
        stbl.stsz = Stsz { samples: StszSamples::Different { sizes: table.sizes } };
        stbl.stts = Stts { entries: table.times };
        let moved = table.offsets.iter().any(|run| run.sample_offset != 0);
        stbl.ctts = moved.then_some(Ctts { entries: table.offsets });
        let narrow = |at: &u64| u32::try_from(*at).map_err(|_| MovieError::Range);
        (stbl.stco, stbl.co64) = match wide {
            true => (None, Some(Co64 { entries: lies.clone() })),
            false => (Some(Stco { entries: lies.iter().map(narrow).collect::<Result<_, _>>()? }), None),
        };
        moov.trak.push(trak);
    }
    Ok(moov)
}

fn move_chunks(moov: &mut Moov, by: u64) -> Result<(), MovieError> {
    for trak in &mut moov.trak {
        let stbl = &mut trak.mdia.minf.stbl;
        for at in stbl.stco.iter_mut().flat_map(|stco| &mut stco.entries) {
            *at = u32::try_from(u64::from(*at) + by).map_err(|_| MovieError::Range)?;
        }
        for at in stbl.co64.iter_mut().flat_map(|co64| &mut co64.entries) {
            *at += by;
        }
    }
    Ok(())
}

/// Everything before the samples.
fn head(moov: &Moov, media: u64) -> Result<Vec<u8>, MovieError> {
    let mut out = Vec::new();
    let brands = vec![b"isom".into(), b"iso2".into(), b"avc1".into(), b"mp41".into()];
    Ftyp { major_brand: b"isom".into(), minor_version: 512, compatible_brands: brands }.encode(&mut out)?;
    moov.encode(&mut out)?;
    let size = usize::try_from(media).map_err(|_| MovieError::Range)?;
    Header { kind: Mdat::KIND, size: Some(size) }.encode(&mut out)?;
    Ok(out)
}

#[cfg(test)]
#[path = "movie_tests.rs"]
mod tests;
