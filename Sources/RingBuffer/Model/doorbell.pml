/*
 * The protocol of Doorbell.swift, for spin: threads that change something and ring, threads that wait for such changes, any
 * number of times. tools/model-check explores all interleavings, and then each mistake named below (MISTAKE_...), which must
 * be found. No wake-up may be lost: when nobody can go on, each waiter has seen the last change.
 *
 * What is assumed of memory: a change, and a waiter's increment of `sleepers`, lie in a store buffer of their thread until a
 * sequentially consistent fence; it empties at any other time too. A read-modify-write is no fence here, as on Arm. A change
 * is a releasing store (a publication, a cursor, a flag under a mutex). The kernel compares the futex's word and puts the
 * thread to sleep in one step, with respect to wake-ups.
 *
 * Left out: the spin before the first sleep, which only looks more often; time-outs and wake-ups without a cause, which only
 * wake more often. `rings` is compared with what a waiter read before: kept here is whether it has changed since, so that
 * 2^32 rings between two steps of a waiter are left out too. Of a change, kept is whether a waiter has seen it.
 */

#ifndef RINGERS
#define RINGERS 2
#endif
#ifndef WAITERS
#define WAITERS 2
#endif

/* What is waited for: a change of a ringer that is visible and that the waiter has not seen. */
#define IS_NEW(r, w) isNew[(w) * RINGERS + (r)]

bool isNew[RINGERS * WAITERS];
bool changeIsLate[RINGERS];

/* `rings` is no more what the waiter read. */
bool hasRung[WAITERS];
byte sleepers;
bool incrementIsLate[WAITERS];
bool isAsleep[WAITERS];

inline showChange(r) {
    if
    :: changeIsLate[r] ->
        changeIsLate[r] = false;
        j = 0;
        do
        :: j < WAITERS -> IS_NEW(r, j) = true; j++
        :: else -> break
        od;
        j = 0
    :: else
    fi
}

inline showIncrement(w) {
    if
    :: incrementIsLate[w] -> sleepers++; incrementIsLate[w] = false
    :: else
    fi
}

/* Empties the store buffers at any time. */
active proctype Memory() {
    byte j;
end:
    do
    :: atomic { changeIsLate[0] -> showChange(0) }
    :: atomic { changeIsLate[RINGERS - 1] -> showChange(RINGERS - 1) }
    :: atomic { incrementIsLate[0] -> showIncrement(0) }
    :: atomic { incrementIsLate[WAITERS - 1] -> showIncrement(WAITERS - 1) }
    od
}

inline ring(r) {
#ifndef MISTAKE_NO_FENCE_OF_RINGERS
    d_step { showChange(r) }
#endif
    if
    :: sleepers > 0 ->
#ifndef MISTAKE_NO_COUNT
        d_step {
            i = 0;
            do
            :: i < WAITERS -> hasRung[i] = true; i++
            :: else -> break
            od;
            i = 0
        }
#endif
        d_step {
            i = 0;
            do
            :: i < WAITERS ->
#ifdef MISTAKE_WAKE_ONE
                if
                :: isAsleep[i] -> isAsleep[i] = false; i = WAITERS
                :: else -> i++
                fi
#else
                isAsleep[i] = false; i++
#endif
            :: else -> break
            od;
            i = 0
        }
    :: else
    fi
}

proctype Ringer(byte r) {
    byte i, j;
    do
    ::
#ifdef MISTAKE_RING_FIRST
        ring(r);
        atomic { showChange(r); changeIsLate[r] = true }
#else
        atomic { showChange(r); changeIsLate[r] = true }
        ring(r)
#endif
    :: break
    od
}

/* The condition: takes what changed, and leaves whether anything had. */
inline look(w) {
    d_step {
        holds = false;
        i = 0;
        do
        :: i < RINGERS ->
            holds = holds || IS_NEW(i, w);
            IS_NEW(i, w) = false;
            i++
        :: else -> break
        od;
        i = 0
    }
}

inline announce(w) {
    incrementIsLate[w] = true;
#ifndef MISTAKE_NO_FENCE_OF_WAITERS
    d_step { showIncrement(w) }
#endif
}

inline withdraw(w) { d_step { showIncrement(w); sleepers-- } }

proctype Waiter(byte w) {
    byte i;
    bool holds;
    do
    ::
#ifndef MISTAKE_COUNT_READ_LATE
        hasRung[w] = false;
#endif
#ifdef MISTAKE_ANNOUNCE_LATE
        look(w);
        announce(w);
#else
        announce(w);
#ifndef MISTAKE_NO_SECOND_LOOK
        look(w);
#endif
#endif
#ifdef MISTAKE_COUNT_READ_LATE
        hasRung[w] = false;
#endif
        if
        :: holds
        :: !holds ->
            /* futex_wait: the kernel sees this thread's store buffer emptied. */
            d_step {
                showIncrement(w);
                if
                :: !hasRung[w] -> isAsleep[w] = true
                :: else
                fi
            }
end:        !isAsleep[w]
        fi;
        withdraw(w);
        look(w);
        holds = false
    od
}

/* When nobody can go on, everything was seen. */
active proctype Judge() {
    byte i, j;
    timeout ->
    for (i : 0 .. RINGERS - 1) {
        for (j : 0 .. WAITERS - 1) { assert(!IS_NEW(i, j)) }
    }
}

init {
    byte i;
    atomic {
        for (i : 0 .. RINGERS - 1) { run Ringer(i) }
        for (i : 0 .. WAITERS - 1) { run Waiter(i) }
    }
}
