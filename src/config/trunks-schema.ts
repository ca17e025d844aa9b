/** Settings of trunks. */
import * as z from 'zod';
import { count, group, network, seconds } from './schema-parts.js';

/** Timers are set to them, and no timer to more than 24 days. */
const ofOneDay = seconds.max(86_400);

export const trunkGroups = {
  trunks: group('Trunks', {
    maxPerAccount: count.max(10_000).default(100).describe('Trunks of one account.'),
    minIpv4Prefix: z
      .int()
      .min(0)
      .max(32)
      .default(20)
      .describe(
        'A trunk’s IPv4 networks are no wider than this. What comes from them is not limited as a stranger’s is.',
      ),
    nonceSeconds: seconds
      .default(60)
      .describe('How long a challenge for a trunk’s password can be answered.'),
    maxNonces: count
      .default(10_000)
      .describe('Answered challenges that are remembered, so that no answer counts twice.'),
    maxWrongCodesPerSource: count
      .default(60)
      .describe(
        'Unknown join codes over trunks per source address and minute before none of it are looked up. One caller of a trunk has `joinCodes.maxFailuresPerMinute`.',
      ),
    maxWrongCodes: count
      .default(120)
      .describe('The same for all calls of one trunk: callers write their own numbers.'),
    maxUnconfirmedCalls: count
      .default(20)
      .describe(
        'Calls over UDP that have not been acknowledged, of one trunk, or to one number that its `allowFrom` lets in, at once, where nothing but the network that they come from speaks for them: that can be forged.',
      ),
    allowPrivateNetworks: z
      .boolean()
      .default(false)
      .describe(
        'Also go to trunks at private, loopback and link-local addresses. Anybody with an account can then reach them.',
      ),
    allowedNetworks: z
      .array(network)
      .default([])
      .describe('Private addresses and networks where trunks may be that are gone to.'),
    shortestRefreshSeconds: ofOneDay
      .default(20)
      .describe('A registration is renewed no sooner after the last, however short the registrar makes it.'),
    retrySeconds: ofOneDay
      .default(30)
      .describe(
        'A registration that failed is tried again after about that; then after twice as much, and so on.',
      ),
    longestRetrySeconds: ofOneDay.default(1800).describe('But no later than after that.'),
    refusedRetrySeconds: ofOneDay
      .default(3600)
      .describe(
        'One that the registrar refused, or whose password is wrong, is tried again after about that.',
      ),
    unregisterSeconds: seconds
      .max(8)
      .default(2)
      .describe('A registration is given back at the end; the registrar’s answer is waited for so long.'),
    shortestPingSeconds: seconds
      .max(3600)
      .default(10)
      .describe('The servers of a trunk are pinged no more often than about that.'),
    pingAnswerSeconds: seconds
      .max(32)
      .default(4)
      .describe('An answer to a ping that comes later counts as none.'),
    maxPings: count.max(10_000).default(200).describe('Pings at once, over all trunks. The others wait.'),
    minIpv6Prefix: z.int().min(0).max(128).default(40).describe('The same for IPv6.'),
    maxIpv4Addresses: count
      .default(65_536)
      .describe('IPv4 addresses in the networks of one account’s trunks together.'),
    maxIpv6Subnets: count
      .default(268_435_456)
      .describe('Networks of 64 bits in the IPv6 networks of one account’s trunks together.'),
  }),
};
