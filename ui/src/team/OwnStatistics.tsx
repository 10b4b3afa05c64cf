/** What a person decided: for the own page and for the home of an investigator. */
import { StackedWeeks } from "../charts/StackedWeeks";
import { count, percent } from "../format/format";
import { texts } from "../texts";
import { duration } from "./duration";
import { Figures } from "./Figures";
import type { Proportion, Statistics } from "./queries";

/** Writes a share with its 95 % interval in words, or says that there is nothing to say. */
export function inWords(
  proportion: Proportion,
  words: (share: string, of: string, low: string, high: string) => string,
  none: string,
): string {
  const { share, of, low, high } = proportion;
  if (share === null || of === 0) return none;
  return words(percent(share), count(of), percent(low ?? share), percent(high ?? share));
}

export function OwnStatistics({ statistics }: { statistics: Statistics }) {
  const words = texts.statistics;
  if (statistics.decided === 0) return <p>{words.none}</p>;
  const { agreed } = statistics;
  return (
    <div className="stack">
      <Figures
        figures={[
          { name: words.decided, value: count(statistics.decided) },
          {
            name: words.fraud,
            value: statistics.fraud.share === null ? "–" : percent(statistics.fraud.share),
            detail: inWords(statistics.fraud, words.fraudWords, words.fraudNone),
          },
          {
            name: words.median,
            value: statistics.median_seconds === null ? "–" : duration(statistics.median_seconds),
            ...(statistics.median_seconds === null && { detail: words.medianUnknown }),
          },
          {
            name: words.agreed,
            value: agreed.share === null ? "–" : `${count(agreed.count)} / ${count(agreed.of)}`,
            detail: inWords(
              agreed,
              (_, of, low, high) => words.agreedWords(count(agreed.count), of, low, high),
              words.agreedNone,
            ),
          },
        ]}
      />
      <div className="panel">
        <StackedWeeks
          title={words.weeks}
          description={words.weeksDescription(
            statistics.weeks.length,
            count(
              statistics.weeks.reduce(
                (sum, each) => sum + each.fraud + each.not_fraud + each.inconclusive,
                0,
              ),
            ),
          )}
          series={[
            { key: "fraud", name: words.verdicts.fraud, mark: 1 },
            { key: "not_fraud", name: words.verdicts.not_fraud, mark: 2 },
            { key: "inconclusive", name: words.verdicts.inconclusive, mark: 3 },
          ]}
          weeks={statistics.weeks.map(({ week, fraud, not_fraud, inconclusive }) => ({
            week,
            counts: { fraud, not_fraud, inconclusive },
          }))}
        />
      </div>
    </div>
  );
}
