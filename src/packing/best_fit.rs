//! `BestFit`: each piece goes into the pack with the least room that is enough; among equal ones, into that which has
//! waited longest.

use super::bins::Bins;
use super::spaces::NumberSet;

/// No pack.
const NONE: u32 = u32::MAX;

/// The open packs by their room. Packs of equal room wait in a queue.
#[derive(Debug)]
pub(super) struct BestFit {
    capacity: u32,
    max_rows: u32,
    rooms: NumberSet,
    /// The first and the last pack of each room.
    queues: Vec<(u32, u32)>,
    /// The next pack with the same room, for each pack.
    next: Vec<u32>,
    /// The number of pieces of each pack; empty if it does not matter.
    rows: Vec<u32>,
    /// The first pack of this group.
    first: u32,
}

impl BestFit {
    pub(super) fn new(capacity: u32, max_rows: Option<u32>) -> BestFit {
        BestFit {
            capacity,
            max_rows: max_rows.unwrap_or(u32::MAX),
            rooms: NumberSet::up_to(capacity),
            queues: vec![(NONE, NONE); capacity as usize + 1],
            next: Vec::new(),
            rows: Vec::new(),
            first: 0,
        }
    }

    /// Places the pieces of a group, in this order.
    pub(super) fn place(&mut self, pieces: impl Iterator<Item = (u32, u32)>, bins: &mut Bins) {
        self.clear();
        self.first = bins.count;
        for (piece, size) in pieces {
            // A piece of size 0 may not reopen a full pack, whose room of 0 is in no queue.
            let (room, pack) = match self.rooms.at_least(size) {
                Some(room) => (room, self.take(room)),
                None => {
                    self.next.push(NONE);
                    if self.max_rows != u32::MAX {
                        self.rows.push(0);
                    }
                    (self.capacity, bins.open())
                }
            };
            bins.put(piece, pack);
            if self.has_place(pack) && room > size {
                self.wait(pack, room - size);
            }
        }
    }

    fn clear(&mut self) {
        while let Some(room) = self.rooms.at_least(0) {
            self.rooms.remove(room);
            self.queues[room as usize] = (NONE, NONE);
        }
        self.next.clear();
        self.rows.clear();
    }

    /// Counts one more piece in a pack. Returns whether another one may follow.
    fn has_place(&mut self, pack: u32) -> bool {
        match self.rows.get_mut((pack - self.first) as usize) {
            Some(rows) => {
                *rows += 1;
                *rows < self.max_rows
            }
            None => true,
        }
    }

    /// Takes the first pack with this room.
    fn take(&mut self, room: u32) -> u32 {
        let (pack, last) = self.queues[room as usize];
        if pack == last {
            self.queues[room as usize] = (NONE, NONE);
            self.rooms.remove(room);
        } else {
            self.queues[room as usize].0 = self.next[(pack - self.first) as usize];
        }
        pack
    }

    /// Appends a pack to the queue of its room.
    fn wait(&mut self, pack: u32, room: u32) {
        self.next[(pack - self.first) as usize] = NONE;
        let (first, last) = &mut self.queues[room as usize];
        if *first == NONE {
            *first = pack;
            self.rooms.insert(room);
        } else {
            self.next[(*last - self.first) as usize] = pack;
        }
        *last = pack;
    }
}
