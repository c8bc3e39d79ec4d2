use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::RtmpError;
use super::chunk::{Message, Reader, Writer};

const BUDGET: usize = 16 * 1024 * 1024;

fn read(reader: &mut Reader, bytes: &[u8]) -> Result<Vec<Message>, RtmpError> {
    let mut input = BytesMut::from(bytes);
    let mut messages = Vec::new();
    while let Some(message) = reader.next(&mut input)? {
        messages.push(message);
    }
    Ok(messages)
}

fn read_all(bytes: &[u8]) -> Result<Vec<Message>, RtmpError> {
    read(&mut Reader::new(BUDGET), bytes)
}

fn message(timestamp: u32, kind: u8, stream: u32, length: usize) -> Message {
    let body: Bytes = (0..length).map(|n| (n as u8).wrapping_mul(31) ^ kind).collect();
    Message { timestamp, kind, stream, body }
}

/// Messages with few kinds and lengths, so that short headers are often enough.
fn messages() -> impl Strategy<Value = Vec<Message>> {
    let step = prop_oneof![
        Just(0u32),
        Just(40),
        Just(40),
        0u32..100,
        0x00ff_fff0u32..0x0100_0010,
        Just(0x0100_0000),
        any::<u32>(),
    ];
    let length = prop_oneof![Just(0usize), Just(200), Just(200), 0usize..3000];
    let one = (step, 8u8..10, 0u32..2, length);
    (any::<u32>(), proptest::collection::vec(one, 1..12)).prop_map(|(start, steps)| {
        let mut now = start;
        let of = |(step, kind, stream, length): (u32, u8, u32, usize)| {
            now = now.wrapping_add(step);
            message(now, kind, stream, length)
        };
        steps.into_iter().map(of).collect()
    })
}

fn size() -> impl Strategy<Value = usize> {
    prop_oneof![1usize..10, 1usize..5000, Just(128)]
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..2000),
        small in 1u32..200,
    ) {
        let mut reader = Reader::new(4096);
        reader.set_size(small).unwrap();
        let _ = read(&mut reader, &bytes);
        reader.abort(u32::from(bytes.first().copied().unwrap_or(3)));
        // Chunk streams and lengths that occur, so that more than the first header is read.
        let tame: Vec<u8> = bytes.iter().map(|b| if b % 3 == 0 { b & 0xc3 | 2 } else { b % 5 }).collect();
        let mut reader = Reader::new(BUDGET);
        reader.set_size(small).unwrap();
        let _ = read(&mut reader, &tame);
        reader.abort(3);
        let _ = read(&mut reader, &tame);
    }

    #[test]
    fn what_is_written_reads_back_however_it_is_cut_and_mixed(
        streams in proptest::collection::vec((2u32..65_600, messages()), 1..5),
        size in size(),
        order in proptest::collection::vec(any::<prop::sample::Index>(), 64),
        pieces in proptest::collection::vec(1usize..400, 1..20),
    ) {
        let mut streams = streams;
        streams.sort_by_key(|(id, _)| *id);
        streams.dedup_by_key(|(id, _)| *id);
        let mut writer = Writer::default();
        writer.set_size(size);
        let mut queues: Vec<std::collections::VecDeque<Vec<u8>>> = streams
            .iter()
            .map(|(id, messages)| messages.iter().flat_map(|m| writer.chunks(*id, m)).collect())
            .collect();
        let mut bytes = Vec::new();
        let mut order = order.iter().cycle();
        while queues.iter().any(|queue| !queue.is_empty()) {
            let left: Vec<_> = queues.iter_mut().filter(|queue| !queue.is_empty()).collect();
            let at = order.next().unwrap().index(left.len());
            bytes.extend(left.into_iter().nth(at).unwrap().pop_front().unwrap());
        }

        let mut reader = Reader::new(BUDGET);
        reader.set_size(size as u32).unwrap();
        let (mut input, mut out, mut rest) = (BytesMut::new(), Vec::new(), &bytes[..]);
        let mut pieces = pieces.iter().cycle();
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(rest.len().min(*pieces.next().unwrap()));
            input.extend_from_slice(piece);
            while let Some(message) = reader.next(&mut input).unwrap() {
                out.push(message);
            }
            rest = behind;
        }
        prop_assert!(input.is_empty());
        // Between chunk streams there is no order; within one there is.
        prop_assert_eq!(out.len(), streams.iter().map(|(_, messages)| messages.len()).sum::<usize>());
        for (_, messages) in &streams {
            let mut left = out.iter();
            prop_assert!(messages.iter().all(|m| left.any(|o| o == m)));
        }
    }
}

#[test]
fn headers_are_as_short_as_they_can_be() {
    let mut writer = Writer::default();
    let mut bytes = |m: &Message| writer.chunks(5, m).concat();
    let header = |bytes: &[u8], length: usize| bytes[..bytes.len() - length].to_vec();
    assert_eq!(header(&bytes(&message(1000, 8, 1, 2)), 2), [5, 0, 3, 0xe8, 0, 0, 2, 8, 1, 0, 0, 0]);
    assert_eq!(header(&bytes(&message(1020, 8, 1, 3)), 3), [0x45, 0, 0, 20, 0, 0, 3, 8]);
    assert_eq!(header(&bytes(&message(1050, 8, 1, 3)), 3), [0x85, 0, 0, 30]);
    assert_eq!(header(&bytes(&message(1080, 8, 1, 3)), 3), [0xc5]);
    assert_eq!(header(&bytes(&message(1079, 8, 1, 3)), 3)[0], 5, "time went backward");
    let late = bytes(&message(1079 + 0x0100_0000, 8, 1, 3));
    assert_eq!(header(&late, 3), [0x85, 0xff, 0xff, 0xff, 1, 0, 0, 0]);
    let repeated = bytes(&message(1079 + 0x0200_0000, 8, 1, 3));
    assert_eq!(header(&repeated, 3), [0xc5, 1, 0, 0, 0]);
    let far = message(0, 8, 1, 0);
    assert_eq!(writer.chunks(64, &far).concat()[..2], [0, 0]);
    assert_eq!(writer.chunks(319, &far).concat()[..2], [0, 255]);
    assert_eq!(writer.chunks(320, &far).concat()[..3], [1, 0, 1]);
    assert_eq!(writer.chunks(65_599, &far).concat()[..3], [1, 255, 255]);
}

#[test]
fn timestamps_go_on_over_the_wrap() {
    let mut writer = Writer::default();
    let sent: Vec<Message> = (0..5).map(|n| message((u32::MAX - 50).wrapping_add(n * 40), 9, 1, 4)).collect();
    let bytes: Vec<u8> = sent.iter().flat_map(|m| writer.chunks(6, m).concat()).collect();
    assert_eq!(read_all(&bytes).unwrap(), sent);
    assert!(bytes.len() < 50, "differences, not a new start");
}

#[test]
fn an_extended_timestamp_may_be_left_out_or_be_the_whole_one_in_type_3() {
    let sent = message(0x0123_4567, 9, 1, 300);
    let chunks = Writer::default().chunks(6, &sent);
    assert_eq!(chunks[1][..5], [0xc6, 1, 0x23, 0x45, 0x67]);
    let without = [&chunks[0][..], &[0xc6], &chunks[1][5..], &[0xc6], &chunks[2][5..]].concat();
    assert_eq!(read_all(&without).unwrap(), std::slice::from_ref(&sent));

    let later = message(0x0123_4567 + 0x0100_0000, 9, 1, 300);
    let mut writer = Writer::default();
    let mut chunks = writer.chunks(6, &sent);
    chunks.extend(writer.chunks(6, &later));
    chunks[4][1..5].copy_from_slice(&later.timestamp.to_be_bytes());
    assert_eq!(read_all(&chunks.concat()).unwrap(), [sent, later]);
}

#[test]
fn an_aborted_message_is_forgotten() {
    let mut writer = Writer::default();
    let (cut, whole) = (message(1, 9, 1, 500), message(2, 9, 1, 10));
    let mut reader = Reader::new(600);
    for _ in 0..10 {
        assert_eq!(read(&mut reader, &writer.chunks(6, &cut)[..3].concat()).unwrap(), []);
        reader.abort(6);
        assert_eq!(
            read(&mut reader, &writer.chunks(6, &whole).concat()).unwrap(),
            std::slice::from_ref(&whole)
        );
    }
    reader.abort(77);
}

#[test]
fn an_abort_within_a_chunk_skips_the_rest_of_it() {
    let mut writer = Writer::default();
    let (cut, short) = (writer.chunks(6, &message(1, 9, 1, 500)).concat(), message(2, 9, 1, 10));
    let mut reader = Reader::new(600);
    assert_eq!(read(&mut reader, &cut[..40]).unwrap(), []);
    reader.abort(6);
    let rest = [&cut[40..12 + 128], &writer.chunks(6, &short).concat()].concat();
    assert_eq!(read(&mut reader, &rest).unwrap(), [short]);
}

#[test]
fn limits_and_contradictions_end_it_in_words() {
    let begin = |id: u8, length: [u8; 3]| [&[id, 0, 0, 0][..], &length, &[9, 1, 0, 0, 0]].concat();
    let said = |bytes: &[u8]| read_all(bytes).unwrap_err().to_string();
    assert_eq!(said(&begin(6, [0x80, 0, 1])), "a message of 8388609 bytes is longer than 8388608");
    assert!(read_all(&begin(6, [0x80, 0, 0])).is_ok());
    assert_eq!(said(&[0xc6]), "broken chunks: a chunk stream begins without a length");
    let twice = [begin(6, [0, 0, 200]), vec![0; 128], begin(6, [0, 0, 1])].concat();
    assert_eq!(said(&twice), "broken chunks: a message begins before the one before it ended");
    let many: Vec<u8> = (0..65u8).flat_map(|id| [&[0, id], &begin(0, [0; 3])[1..]].concat()).collect();
    assert_eq!(said(&many), "more than 64 chunk streams");
    assert_eq!(read_all(&many[..64 * 13]).unwrap().len(), 64);

    let mut reader = Reader::new(1000);
    let held: Vec<u8> = (0..8).flat_map(|id| [&begin(id + 3, [0, 0, 200])[..], &[0; 128]].concat()).collect();
    let error = read(&mut reader, &held).unwrap_err();
    assert!(matches!(error, RtmpError::TooMuchUnfinished(1000)), "{error}");
    for size in [0, 1 << 31] {
        assert!(reader.set_size(size).is_err());
    }
    reader.set_size(0x7fff_ffff).unwrap();
}
