/*
 * The protocol of RingBuffer.swift, for spin: producers, two consumers gated on each other, waiting claims, the end.
 * Any number of batches of every size; tools/model-check explores all interleavings, and then each mistake named below
 * (MISTAKE_...), which must be found.
 *
 * What is assumed of memory
 *
 * - Plain memory (slots and tags) is not assumed to be ordered at all: each access is held against what happened before it.
 *   A thread's VIEW says which last write of each slot, and which last read of it by each consumer, happened before where it
 *   is now. Releasing stores leave the view with the value, acquiring loads take it up; a relaxed access carries none. Reading
 *   a slot without its last write in view, or writing one without its last write and last reads, is a data race: a torn or
 *   overwritten batch. One step may thus copy or read a whole batch: a race is found whatever the interleaving.
 * - A store may become visible late, until a sequentially consistent fence: a consumer's cursor and the increment of
 *   `waiterCount` lie in a store buffer of their thread, which empties at any time. Of two threads that write one and read
 *   the other this is what Dekker's argument is about. A read-modify-write is no fence here, as on Arm. What was written
 *   before a mutex was released is visible to who holds it next.
 * - Another load may return an older value in C11 too: of `published`, a cursor or `claimed`, which only ever grow, an older
 *   value says "not yet", and is the same as having looked earlier.
 *
 * With SNAPSHOT a claim reads `claimed` and the cursors in one step instead of three. They only grow, so that a claim which
 * fits by older values fits, and one that does not is tried again by whoever made a value older.
 *
 * - `knownFree` may go back, when a thread that looked at the cursors earlier stores later. An older value in it, or an older
 *   one that a load returns, makes a claim look at the cursors: the same as having found it too low.
 *
 * How it is finite: positions count modulo two laps, of which consumers and claims span at most one. A word of `published`
 * that lies behind all consumers is only OLD. How far `claimed` went on since a thread read it is kept in `lag`, up to AWAY.
 */

#ifndef CAPACITY
#define CAPACITY 4
#endif
#ifndef LARGEST
#define LARGEST 2
#endif
#ifndef PRODUCERS
#define PRODUCERS 2
#endif
#define CONSUMERS 2
#define THREADS (PRODUCERS + CONSUMERS)

#define SPAN (2 * CAPACITY)
#define FROM(low, high) ((high + SPAN - low) % SPAN)
#define SLOT(position) ((position) % CAPACITY)

#define OLD 255
#define AWAY 14
#define NOT_CLAIMING 15

/* Tags: padding, a batch's, and what is inside a batch and has none. */
#define PADDING 0
#define BATCH 1
#define INSIDE 2

#define UNDECIDED 0
#define NO_ROOM 1
#define CLAIMED 2

/* Places of views: threads, words of `published`, cursors, cursors in store buffers, `knownFree`. */
#define WORD(slot) (THREADS + (slot))
#define CURSOR(c) (THREADS + CAPACITY + (c))
#define LATE_CURSOR(c) (CURSOR(c) + CONSUMERS)
#define KNOWN (THREADS + CAPACITY + 2 * CONSUMERS)
#define VIEWS (KNOWN + 1)

#define WRITE_BIT(slot) (1 << (slot))
#define READ_BIT(c, slot) (1 << (CAPACITY * (1 + (c)) + (slot)))
#define EVERY_SLOT ((1 << CAPACITY) - 1)
#define EVERYTHING ((1 << (CAPACITY * (1 + CONSUMERS))) - 1)
#define READS_OF(c) (EVERY_SLOT << (CAPACITY * (1 + (c))))

int view[VIEWS];

/* The ring. */
byte claimed;
bool closed;
/* knownFree, as the slots between it and `claimed`, up to AWAY. */
byte knownUsed;
byte word[CAPACITY];
byte wordCount[CAPACITY];
byte tag[CAPACITY];
byte content[CAPACITY];
byte cursor[CONSUMERS];
byte waiterCount;
bool locked;
byte queue[PRODUCERS];
byte queueLength;

/* Store buffers. */
bool cursorIsLate[CONSUMERS];
byte lateCursor[CONSUMERS];
bool incrementIsLate[THREADS];

/* Threads. */
byte lag[THREADS];
byte position[CONSUMERS];
byte wanted[PRODUCERS];
bool admitted[PRODUCERS];
bool isDone[PRODUCERS];
bool isBehind[PRODUCERS];

/* MARK: Memory */

inline forget(event) {
    for (k : 0 .. VIEWS - 1) { view[k] = view[k] & ~(event) }
    k = 0
}

inline writeSlot(t, slot, what, itsTag) {
    assert((view[t] & WRITE_BIT(slot)) && (view[t] & READ_BIT(0, slot)) && (view[t] & READ_BIT(1, slot)));
    forget(WRITE_BIT(slot));
    view[t] = view[t] | WRITE_BIT(slot);
    content[slot] = what;
    tag[slot] = itsTag
}

inline readSlot(c, slot) {
    assert(view[PRODUCERS + c] & WRITE_BIT(slot));
    forget(READ_BIT(c, slot));
    view[PRODUCERS + c] = view[PRODUCERS + c] | READ_BIT(c, slot)
}

inline acquire(t, place) { view[t] = view[t] | view[place] }

inline showCursor(c) {
    if
    :: cursorIsLate[c] ->
        cursor[c] = lateCursor[c]; view[CURSOR(c)] = view[LATE_CURSOR(c)];
        cursorIsLate[c] = false; lateCursor[c] = 0; view[LATE_CURSOR(c)] = 0
    :: else
    fi
}

inline showIncrement(t) {
    if
    :: incrementIsLate[t] -> waiterCount++; incrementIsLate[t] = false
    :: else
    fi
}

/* To be called in an atomic block with what follows: taking a mutex moves to where it is used first. */
inline lock(t) {
        !locked -> locked = true;
        for (k : 0 .. THREADS - 1) {
            if
            :: k != t -> showIncrement(k)
            :: else
            fi
        }
        k = 0
}

inline unlock(t) { locked = false }

/* Empties the store buffers at any time. */
active proctype Memory() {
    byte k;
end:
    do
    :: atomic { cursorIsLate[0] -> showCursor(0) }
    :: atomic { cursorIsLate[1] -> showCursor(1) }
    :: atomic { incrementIsLate[0] -> showIncrement(0) }
#if PRODUCERS > 1
    :: atomic { incrementIsLate[1] -> showIncrement(1) }
#endif
#if PRODUCERS > 2
    :: atomic { incrementIsLate[2] -> showIncrement(2) }
#endif
    od
}

/* MARK: Producers' half of the ring */

/* Whether a claim fits by what `used` says, which is less than any distance before a cursor was looked at. */
#define NOTHING -100
#ifdef MISTAKE_ONE_TOO_MANY
#define FITS(count) (used + padding + count <= CAPACITY + 1)
#else
#define FITS(count) (used + padding + count <= CAPACITY)
#endif

/* gate.position, as the slots between it and the claim's start; less than none where others have left the start behind. */
inline loadGate(t, c) {
    if
    :: t == PRODUCERS + c && cursorIsLate[c] -> seen = FROM(lateCursor[c], claimed) - lag[t]
    :: else -> seen = FROM(cursor[c], claimed) - lag[t]
    fi;
    used = (seen > used -> seen : used);
    seen = 0;
#ifndef MISTAKE_RELAXED_CURSOR_LOAD
    acquire(t, CURSOR(c))
#endif
}

/* knownFree, in the same way. */
inline loadKnown(t, count) {
    used = knownUsed - lag[t];
#ifndef MISTAKE_RELAXED_KNOWN_LOAD
    acquire(t, KNOWN);
#endif
    pad(count)
}

/* What both gates gave. The distance counts from `claimed` as it is now. */
inline storeKnown(t) {
    if
    :: lag[t] < AWAY && used + lag[t] < AWAY -> knownUsed = (used + lag[t] > 0 -> used + lag[t] : 0)
    :: else -> knownUsed = AWAY
    fi;
#ifdef MISTAKE_RELAXED_KNOWN_STORE
    view[KNOWN] = 0
#else
    view[KNOWN] = view[t]
#endif
}

inline leaveBehind(t, distance) {
    for (k : 0 .. THREADS - 1) {
        if
        :: k != t && lag[k] != NOT_CLAIMING -> lag[k] = (lag[k] + distance > AWAY -> AWAY : lag[k] + distance)
        :: else
        fi
    }
    knownUsed = (knownUsed + distance > AWAY -> AWAY : knownUsed + distance);
    k = 0
}

/* Where a claim begins, or begins again. */
inline beginClaim(t, count) {
    start = claimed;
    if
    :: closed -> outcome = NO_ROOM
    :: else ->
        outcome = UNDECIDED; lag[t] = 0;
#ifdef SNAPSHOT
        loadKnown(t, count);
        if
        :: FITS(count) -> used = 0
        :: else ->
            used = NOTHING; loadGate(t, 0);
#ifndef MISTAKE_ONE_GATE
            loadGate(t, 1);
#endif
            storeKnown(t);
            decide(t, count)
        fi
#endif
    fi
}

inline pad(count) {
#ifdef MISTAKE_WRAP
    padding = 0
#else
    padding = (CAPACITY - SLOT(start) < count -> CAPACITY - SLOT(start) : 0)
#endif
}

/* Whether the claim fits, after all gates were looked at. */
inline decide(t, count) {
    if
    :: FITS(count)
    :: else -> outcome = NO_ROOM; padding = 0; start = 0; lag[t] = NOT_CLAIMING
    fi;
    used = 0
}

/* Takes the slots unless others have taken some since the claim began, and publishes what is padding. */
inline compareAndExchange(t, count) {
    if
#ifndef MISTAKE_NO_COMPARE
    :: lag[t] != 0 -> padding = 0; beginClaim(t, count)
#endif
    :: else ->
        claimed = (start + padding + count) % SPAN;
        leaveBehind(t, padding + count);
        lag[t] = NOT_CLAIMING;
        outcome = CLAIMED;
        if
        :: padding > 0 ->
#ifndef MISTAKE_NO_PADDING
            writeSlot(t, SLOT(start), start, PADDING);
            storeWord(t, start, padding);
#endif
            start = (start + padding) % SPAN; padding = 0
        :: else
        fi
    fi
}

/* tryClaim from its begin on: leaves `outcome`, and with CLAIMED the position in `start`. */
inline tryClaim(t, count) {
    do
    :: outcome == UNDECIDED ->
#ifndef SNAPSHOT
        d_step {
            loadKnown(t, count);
            mustLook = !FITS(count);
            used = (mustLook -> NOTHING : 0)
        }
        if
        :: mustLook ->
            d_step { mustLook = false; loadGate(t, 0) }
#ifdef MISTAKE_ONE_GATE
            d_step { storeKnown(t); decide(t, count) }
#else
            d_step { loadGate(t, 1); storeKnown(t); decide(t, count) }
#endif
        :: else
        fi
#endif
        if
        :: outcome == UNDECIDED -> d_step { compareAndExchange(t, count) }
        :: else
        fi
    :: else -> break
    od
}

inline storeWord(t, first, count) {
    word[SLOT(first)] = first;
    wordCount[SLOT(first)] = count;
#ifdef MISTAKE_RELAXED_PUBLISH
    view[WORD(SLOT(first))] = 0
#else
    /* No more is relied upon than the batch itself. */
    view[WORD(SLOT(first))] = view[t] & (((1 << (count)) - 1) << SLOT(first))
#endif
}

inline copy(t, first, count) {
    i = 0;
    do
    :: i == 0 -> writeSlot(t, SLOT(first), first, BATCH); i++
    :: i > 0 && i < count -> writeSlot(t, SLOT(first) + i, (first + i) % SPAN, INSIDE); i++
    :: else -> break
    od;
    i = 0
}

/* What a producer does with its claim: copies, and publishes. It then knows nothing of its own accord. */
inline fill(t, first, count) {
    assert(SLOT(first) + count <= CAPACITY);
#ifdef MISTAKE_PUBLISH_FIRST
    storeWord(t, first, count);
    copy(t, first, count);
#else
    copy(t, first, count);
    storeWord(t, first, count);
#endif
    keepOwnKnowledge(t)
}

inline keepOwnKnowledge(t) {
    if
    :: t < PRODUCERS -> view[t] = 0
    :: t == PRODUCERS -> view[t] = view[t] & ~READS_OF(1)
    :: else
    fi
}

/* Nobody who came later may be granted first. */
inline takeWaiter(t) {
#ifdef MISTAKE_LAST_FIRST
    queueLength--;
    waiter = queue[queueLength];
    queue[queueLength] = 0;
#else
    waiter = queue[0];
    queueLength--;
    for (k : 1 .. PRODUCERS - 1) { queue[k - 1] = queue[k] }
    queue[PRODUCERS - 1] = 0; k = 0;
#endif
    assert(!isBehind[waiter]);
    i = 0;
    do
    :: i < PRODUCERS -> isBehind[i] = false; i++
    :: else -> break
    od;
    i = 1;
    do
    :: i < queueLength -> isBehind[queue[i]] = true; i++
    :: else -> break
    od;
    i = 0;
    showIncrement(t);
    assert(waiterCount > 0);
    waiterCount--
}

#ifdef MISTAKE_LAST_FIRST
#define NEXT_WAITER queue[queueLength - 1]
#else
#define NEXT_WAITER queue[0]
#endif

inline grantWaiting(t) {
    d_step {
        /* The fence. It may come earlier, as the store buffer may be emptied at any time. */
        if
        :: t < PRODUCERS ->
#ifndef MISTAKE_NO_FENCE_OF_PRODUCERS
            showIncrement(t)
#endif
        :: else ->
#ifndef MISTAKE_NO_FENCE_OF_CONSUMERS
            showCursor(t - PRODUCERS)
#endif
        fi;
        outcome = (waiterCount > 0 || incrementIsLate[t] -> CLAIMED : NO_ROOM)
    }
    do
    :: outcome == CLAIMED ->
        atomic {
            lock(t);
            if
            :: queueLength > 0 -> beginClaim(t, wanted[NEXT_WAITER])
            :: else -> outcome = NO_ROOM
            fi
        }
        tryClaim(t, wanted[NEXT_WAITER]);
        atomic {
            if
            :: outcome == CLAIMED -> takeWaiter(t)
            :: else -> keepOwnKnowledge(t)
            fi;
            unlock(t)
        }
        if
        :: outcome == CLAIMED ->
            d_step { fill(t, start, wanted[waiter]); admitted[waiter] = true; waiter = 0; start = 0 }
        :: else
        fi
    :: else -> break
    od;
    outcome = UNDECIDED; start = 0
}

inline claimInTurn(t, count) {
    d_step {
        lock(t);
        outcome = UNDECIDED; start = 0; mustWait = false; view[t] = 0;
        if
        :: closed -> isRefused = true
        :: else ->
            wanted[t] = count;
            queue[queueLength] = t;
            isBehind[t] = queueLength > 0;
            queueLength++;
            incrementIsLate[t] = true
        fi;
        unlock(t)
    }
#ifndef MISTAKE_NO_SECOND_LOOK
    if
    :: !isRefused -> grantWaiting(t)
    :: else
    fi
#endif
}

/* With EACH_ITS_OWN, a producer's batches all have one size: 1 for the first producer, 2 for the second. */
#ifdef EACH_ITS_OWN
#define CHOOSE(t) count = (t) % LARGEST + 1;
#else
#define CHOOSE(t) select(count : 1 .. LARGEST);
#endif

/* With BATCHES, each producer sends at most so many. */
#ifdef BATCHES
#define MORE_BATCHES && batches < BATCHES
#else
#define MORE_BATCHES
#endif

inline beginUnlessOthersWait(t, count) {
    if
#ifndef MISTAKE_OVERTAKE
    :: mustWait
#endif
    :: else -> beginClaim(t, count)
    fi
}

proctype Producer(byte t) {
    byte count, outcome, start, padding, waiter, i, k;
    short used, seen;
    bool mustLook, mustWait, isRefused;
#ifdef BATCHES
    byte batches;
#endif
    do
    :: !isRefused MORE_BATCHES ->
        CHOOSE(t)
        /* claim */
        d_step {
            mustWait = waiterCount > 0; outcome = NO_ROOM;
#ifdef SNAPSHOT
            beginUnlessOthersWait(t, count)
#endif
        }
#ifndef SNAPSHOT
        d_step { beginUnlessOthersWait(t, count) }
#endif
        tryClaim(t, count);
        if
        :: outcome == CLAIMED ->
            d_step { assert(!mustWait); fill(t, start, count); outcome = UNDECIDED; start = 0; count = 0 }
        :: else ->
            claimInTurn(t, count);
            atomic {
                if
                :: isRefused
                :: admitted[t] -> admitted[t] = false; wanted[t] = 0
                fi;
                count = 0
            }
        fi
#ifdef BATCHES
        ; batches++
#endif
    :: break
    od;
    isDone[t] = true
}

/* MARK: Consumers */

#ifdef MISTAKE_NO_LAP
#define IS_PUBLISHED(at) (wordCount[SLOT(at)] > 0)
#else
#define IS_PUBLISHED(at) (word[SLOT(at)] == (at))
#endif

#define IS_BEHIND(at) (FROM(at, position[1]) > 0 && FROM(at, position[1]) <= CAPACITY)

/* Takes the batch at the consumer's position: it must be one batch, whole, and the one that was written for there. */
inline takeBatch(c) {
#ifndef MISTAKE_RELAXED_WORD_LOAD
    acquire(PRODUCERS + c, WORD(SLOT(position[c])));
#endif
    count = wordCount[SLOT(position[c])];
    readSlot(c, SLOT(position[c]));
    assert(content[SLOT(position[c])] == position[c] && tag[SLOT(position[c])] != INSIDE);
    if
    :: tag[SLOT(position[c])] == PADDING -> assert(SLOT(position[c]) + count == CAPACITY)
    :: else ->
        i = 1;
        do
        :: i < count ->
            readSlot(c, SLOT(position[c] + i));
            assert(content[SLOT(position[c] + i)] == (position[c] + i) % SPAN && tag[SLOT(position[c] + i)] == INSIDE);
            i++
        :: else -> break
        od;
        i = 0
    fi;
    position[c] = (position[c] + count) % SPAN;
    count = 0;
    /* What lies behind all consumers is never to be seen again, whatever it was. */
    if
    :: c == 1 ->
        i = 0;
        do
        :: i < CAPACITY ->
            if
            :: word[i] != OLD && IS_BEHIND(word[i]) ->
                word[i] = OLD;
                view[WORD(i)] = 0;
#ifndef MISTAKE_NO_LAP
                wordCount[i] = 0
#endif
            :: else
            fi;
            if
            :: content[i] != OLD && IS_BEHIND(content[i]) -> content[i] = OLD; tag[i] = 0
            :: else
            fi;
            i++
        :: else -> break
        od;
        i = 0
    :: else
    fi
}

inline advance(c, to) {
    showCursor(c);
    cursorIsLate[c] = true;
    lateCursor[c] = to;
#ifdef MISTAKE_RELAXED_CURSOR_STORE
    view[LATE_CURSOR(c)] = 0
#else
    view[LATE_CURSOR(c)] = view[PRODUCERS + c] & (EVERY_SLOT | READS_OF(0) | (c == 1 -> READS_OF(1) : 0))
#endif
}

#ifdef MISTAKE_ADVANCE_FIRST
/* The cursor goes on before the batch was read. */
#define ADVANCE_EARLY(c) advance(c, (position[c] + wordCount[SLOT(position[c])]) % SPAN);
#define ADVANCE(c)
#else
#define ADVANCE_EARLY(c)
#define ADVANCE(c) advance(c, position[c]);
#endif

/* Takes batches as they come; closes the ring when it is empty. */
proctype First() {
    byte count, outcome, start, padding, waiter, i, k;
    short used, seen;
    bool mustLook;
end:
    do
    :: d_step { IS_PUBLISHED(position[0]) -> ADVANCE_EARLY(0) takeBatch(0) }
        /* It may take what more is there before it says so. */
        do
        :: d_step { IS_PUBLISHED(position[0]) -> ADVANCE_EARLY(0) takeBatch(0) }
        :: d_step { ADVANCE(0) true }
            break
        od;
        grantWaiting(PRODUCERS)
    :: claimed == position[0] && waiterCount == 0 ->
#ifdef MISTAKE_CLOSE_WITHOUT_LOOKING
        atomic { closed = true; leaveBehind(PRODUCERS, 1) }
        break
#else
        atomic {
            lock(PRODUCERS);
            if
            :: claimed == position[0] && queueLength == 0 -> closed = true; leaveBehind(PRODUCERS, 1)
            :: else
            fi;
            unlock(PRODUCERS)
        }
        if
        :: closed -> break
        :: else
        fi
#endif
    od
}

/* Gated on the first: what that one is past, it finds. */
proctype Second() {
    byte count, outcome, start, padding, waiter, i, k, limit;
    short used, seen;
    bool mustLook;
end:
    do
    :: atomic {
            cursor[0] != position[1] -> limit = cursor[0];
#ifndef MISTAKE_RELAXED_CURSOR_LOAD
                acquire(PRODUCERS + 1, CURSOR(0));
#endif
            ADVANCE_EARLY(1)
            assert(IS_PUBLISHED(position[1]));
            takeBatch(1)
        }
        do
        :: d_step { position[1] != limit -> ADVANCE_EARLY(1) assert(IS_PUBLISHED(position[1])); takeBatch(1) }
        :: d_step { ADVANCE(1) limit = 0 }
            break
        od;
        grantWaiting(PRODUCERS + 1)
    od
}

/* When nobody can go on, everything is consumed and nobody waits. */
active proctype Judge() {
    byte k;
    timeout ->
    assert(cursor[0] == claimed && cursor[1] == claimed && queueLength == 0 && !locked);
    for (k : 0 .. PRODUCERS - 1) { assert(isDone[k]) }
}

init {
    byte k;
    d_step {
        for (k : PRODUCERS .. THREADS - 1) { view[k] = EVERYTHING }
        for (k : 0 .. CONSUMERS - 1) { view[CURSOR(k)] = EVERYTHING }
        view[KNOWN] = EVERYTHING;
        for (k : 0 .. CAPACITY - 1) { word[k] = OLD; content[k] = OLD }
        for (k : 0 .. THREADS - 1) { lag[k] = NOT_CLAIMING }
        k = 0
    }
    atomic {
        for (k : 0 .. PRODUCERS - 1) { run Producer(k) }
        run First();
        run Second()
    }
}
