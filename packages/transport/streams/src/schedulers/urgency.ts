/** Urgencies of RFC 9218 §4.1: 0 is served first. */
export const URGENCIES = 8;

/** The nearest urgency that there is: what an application says is not the scheduler's to judge. */
export const nearestUrgency = (urgency: number): number => (urgency >= 7 ? 7 : urgency > 0 ? Math.floor(urgency) : 0);
