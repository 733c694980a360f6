import { CloseButton, Drawer, Portal } from "@chakra-ui/react";
import type { InstanceView } from "src/api/schema.gen";
import { darkEdges } from "src/parts/dark";
import { LiveView } from "src/parts/LiveView";
import { StepDetailView } from "src/step/StepDetailView";
import { useStep } from "src/step/useStep";
import { t } from "src/texts";

type Props = { view: InstanceView; stepId: string | null; name: string; onClose: () => void };

/** A step of the instance, beside the page. */
export function StepDrawer({ view, stepId, name, onClose }: Props) {
  const live = useStep(view, stepId);
  return (
    <Drawer.Root onOpenChange={({ open }) => open || onClose()} open={stepId !== null} size="md">
      <Portal>
        <Drawer.Backdrop />
        <Drawer.Positioner>
          <Drawer.Content css={darkEdges}>
            <Drawer.Header>
              <Drawer.Title overflowWrap="anywhere">{name}</Drawer.Title>
            </Drawer.Header>
            <Drawer.Body fontSize="sm">
              <LiveView lines={6} live={live}>
                {(detail) => <StepDetailView detail={detail} />}
              </LiveView>
            </Drawer.Body>
            <Drawer.CloseTrigger asChild>
              <CloseButton aria-label={t("common.close")} size="sm" />
            </Drawer.CloseTrigger>
          </Drawer.Content>
        </Drawer.Positioner>
      </Portal>
    </Drawer.Root>
  );
}
