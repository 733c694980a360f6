import { useEffect, useState } from "react";
import { createSearchParams, type URLSearchParamsInit, useSearchParams } from "react-router-dom";

/**
 * The parameters of the page's address, and what replaces them.
 *
 * The router may take a moment to follow. Until then these are the ones that were chosen last, so that a choice is
 * seen at once and the next one adds to it.
 */
export function useParameters(): [URLSearchParams, (chosen: URLSearchParamsInit) => void] {
  const [address, setAddress] = useSearchParams();
  const [coming, setComing] = useState<URLSearchParams | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the router has followed, or somebody else has navigated
  useEffect(() => setComing(null), [address]);
  const choose = (chosen: URLSearchParamsInit) => {
    const next = createSearchParams(chosen);
    setComing(next);
    setAddress(next, { replace: true });
  };
  return [coming ?? address, choose];
}
