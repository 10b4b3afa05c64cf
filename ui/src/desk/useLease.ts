/**
 * The lease of a case on screen: how long it lasts, and its renewal. It is renewed only while somebody works with the
 * page, so that a page that was left open neither holds a case nor keeps the database awake.
 */
import { useCallback, useEffect, useRef, useState } from "react";
import { isProblem } from "../api/problems";
import { serverNow } from "../api/transport";
import { announce } from "../app/announce";
import { texts } from "../texts";
import { act } from "./calls";
import { type Case, type Held, isOpen } from "./shapes";
import { useEverySecond, usePresence } from "./usePresence";

/** A lease of 15 minutes is renewed when less than this is left, at most once in this pause; in seconds. */
const RENEW_BELOW = 600;
const PAUSE = 60;
const WARN_BELOW = 120;

export type Holding = "mine" | "lost" | "other" | "free" | "closed";

export interface LeaseState {
  holding: Holding;
  /** Until the lease ends. */
  seconds: number;
  /** Says that the server no longer accepts the lease. */
  lose: () => void;
  /** Says that the case is held, after an answer that says so. */
  hold: () => void;
}

export function useLease(shown: Case, update: (held: Held) => void): LeaseState {
  useEverySecond();
  const present = usePresence();
  const [lost, setLost] = useState(false);
  const renewed = useRef(Number.NEGATIVE_INFINITY);
  const warned = useRef(false);

  const { case_id: id, lease, state } = shown;
  const seconds = lease ? (Date.parse(lease.until) - serverNow()) / 1000 : 0;
  const ended = lease?.mine === true && seconds <= 0;
  const held = lease?.mine === true && !lost;
  const holding: Holding = !isOpen(state)
    ? "closed"
    : lost || ended
      ? "lost"
      : held
        ? "mine"
        : lease && seconds > 0
          ? "other"
          : "free";

  const generation = lease?.generation ?? 0;
  const renew = useCallback(async () => {
    renewed.current = performance.now();
    try {
      update(await act(id, { action: "renew", generation }));
      warned.current = false;
    } catch (error) {
      // A lost connection is tried again; every other refusal means that the case is somebody else's.
      if (isProblem(error, "stale", "decided", "not_open", "forbidden", "not_found")) setLost(true);
    }
  }, [id, generation, update]);

  const due = holding === "mine" && seconds < RENEW_BELOW;
  useEffect(() => {
    // Looks again with every second that renders.
    if (due && present() && performance.now() - renewed.current > PAUSE * 1000) void renew();
  });

  const ending = holding === "mine" && seconds < WARN_BELOW;
  useEffect(() => {
    if (ending && !warned.current) {
      warned.current = true;
      announce(texts.case.leaseEnding);
    }
  }, [ending]);

  const gone = holding === "lost";
  useEffect(() => {
    if (gone) announce(texts.case.leaseLost, { now: true });
  }, [gone]);

  const lose = useCallback(() => setLost(true), []);
  const hold = useCallback(() => setLost(false), []);
  return { holding, seconds, lose, hold };
}
